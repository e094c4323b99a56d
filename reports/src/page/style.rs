//! Style and script of the page.

use crate::draw::palette::css as plot_css;

/// All rules; dark ones apply where the reader's system asks for dark.
pub fn css() -> String {
    format!(
        "{VARIABLES}{RULES}{}@media (prefers-color-scheme:dark){{{DARK_VARIABLES}{}}}",
        plot_css(false),
        plot_css(true)
    )
}

const VARIABLES: &str = ":root{color-scheme:light dark;--ink:#1c1f24;--faint:#5b6470;--line:#dfe3e8;--page:#f4f5f7;\
--card:#fff;--link:#0060a0;--good:#00735a;--bad:#b34700;--simulated:#0060a0;--evaluated:#00735a;--analytical:#8a4b7a;\
--priced:#a05a00;--synthesized:#5a4fb0}";
const DARK_VARIABLES: &str = ":root{--ink:#e8eaed;--faint:#a5adb8;--line:#3a414b;--page:#121519;--card:#1b1f25;\
--link:#6bbcf0;--good:#38c9a0;--bad:#ff9a57;--simulated:#6bbcf0;--evaluated:#38c9a0;--analytical:#e2a3c8;\
--priced:#f0b440;--synthesized:#b3a8ff}";

const RULES: &str = "
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,'Segoe UI','Helvetica Neue',Arial,sans-serif}
header,main{max-width:1280px;margin:0 auto;padding:0 20px}
header{padding-top:28px}
.tool{margin:0;color:var(--faint);font-size:14px}
h1{margin:0 0 10px;font-size:30px;line-height:1.2;overflow-wrap:anywhere}
h2{margin:44px 0 14px;font-size:22px}
h3{margin:0 0 8px;font-size:16px}
nav{display:flex;flex-wrap:wrap;gap:4px 16px;font-size:14px;padding:8px 0;border-top:1px solid var(--line);border-bottom:1px solid var(--line)}
a{color:var(--link);text-decoration:none}a:hover,a:focus{text-decoration:underline}
figure,.box{margin:0 0 18px;padding:16px 18px;background:var(--card);border:1px solid var(--line);border-radius:8px}
figcaption,.say{color:var(--faint);font-size:14px;max-width:80ch}
figcaption{margin-top:8px}
.scroll{overflow-x:auto}
svg.plot{display:block;width:100%;min-width:800px;max-width:1120px;margin:0 auto;height:auto}
.badge{display:inline-block;padding:0 7px;border:1px solid currentColor;border-radius:9px;font-size:11.5px;font-weight:500;line-height:17px;vertical-align:2px;white-space:nowrap}
.badge.simulated{color:var(--simulated)}.badge.evaluated{color:var(--evaluated)}.badge.analytical{color:var(--analytical)}
.badge.described{color:var(--faint)}.badge.priced{color:var(--priced)}.badge.synthesized{color:var(--synthesized)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(235px,1fr));gap:12px}
.card{padding:14px 16px;background:var(--card);border:1px solid var(--line);border-radius:8px}
.card .name{font-size:14px;color:var(--faint)}
.card .value{font-size:26px;font-weight:650;line-height:1.25;margin:2px 0;overflow-wrap:anywhere}
.card .mean{font-size:13px;color:var(--faint);margin-top:6px}
table{border-collapse:collapse;font-size:14px;width:100%}
th,td{padding:5px 8px;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--faint);vertical-align:bottom}
th[data-sort]{cursor:pointer;user-select:none}
th[data-sort]:hover{color:var(--ink)}
th[aria-sort=ascending]::after{content:' \\2191'}th[aria-sort=descending]::after{content:' \\2193'}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
th.number{white-space:normal}
tbody th,tr>th:first-child:not([data-sort]){vertical-align:top}
.tight{white-space:nowrap}
.bound{min-width:150px}
#layer-table{font-size:13px}
#layer-table th,#layer-table td{padding:5px 6px}
#layer-table td.name{min-width:130px;max-width:210px;overflow-wrap:break-word}
.under{display:block;font-size:12px;color:var(--faint)}
.source{min-width:280px;font-size:13px;color:var(--faint)}
tfoot td{font-weight:600}
pre{margin:0;overflow-x:auto;font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace}
code{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;overflow-wrap:anywhere}
ul{margin:0;padding-left:20px}
.pass{color:var(--good)}.worse{color:var(--bad)}.fail{color:var(--bad);font-weight:700}
input[type=search]{font:inherit;font-size:14px;padding:4px 8px;margin:0 0 10px;width:260px;max-width:100%;color:inherit;background:var(--page);border:1px solid var(--line);border-radius:6px}
@media (max-width:600px){header,main{padding:0 12px}header{padding-top:16px}h1{font-size:24px}figure,.box{padding:12px}
.cards{grid-template-columns:1fr 1fr;gap:8px}.card{padding:10px}.card .value{font-size:20px}svg.plot{min-width:720px}}
@media print{body{background:#fff}figure,.box,.card{break-inside:avoid}nav,input{display:none}}
";

/// Sorting by a click on a head, filtering by a word. Without it the page loses nothing else.
pub const SCRIPT: &str = "
document.querySelectorAll('th[data-sort]').forEach(function(th){
 th.tabIndex=0;
 function sort(){
  var table=th.closest('table'),body=table.tBodies[0],index=th.cellIndex;
  var up=th.getAttribute('aria-sort')==='descending';
  table.querySelectorAll('th').forEach(function(o){o.removeAttribute('aria-sort')});
  th.setAttribute('aria-sort',up?'ascending':'descending');
  Array.from(body.rows).sort(function(a,b){
   var x=a.cells[index],y=b.cells[index];
   x=x.dataset.value||x.textContent;y=y.dataset.value||y.textContent;
   var d=th.dataset.sort==='number'?parseFloat(x)-parseFloat(y):x.localeCompare(y);
   return up?d:-d;
  }).forEach(function(r){body.appendChild(r)});
 }
 th.addEventListener('click',sort);
 th.addEventListener('keydown',function(e){if(e.key==='Enter'){sort()}});
});
document.querySelectorAll('input[data-filter]').forEach(function(input){
 input.addEventListener('input',function(){
  var word=input.value.toLowerCase();
  Array.from(document.getElementById(input.dataset.filter).tBodies[0].rows).forEach(function(r){
   r.hidden=r.textContent.toLowerCase().indexOf(word)<0;
  });
 });
});
";
