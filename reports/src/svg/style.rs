//! Colours: Okabe and Ito's palette, which people with the common forms of colour blindness can tell apart.

/// Ink and paper of one colour scheme.
pub struct Scheme {
    ink: &'static str,
    faint: &'static str,
    grid: &'static str,
    paper: &'static str,
    idle: &'static str,
    blue: &'static str,
}

/// Dark on light; what files of their own carry.
pub const LIGHT: Scheme = Scheme {
    ink: "#1c1f24",
    faint: "#5b6470",
    grid: "#dfe3e8",
    paper: "#ffffff",
    idle: "#d5d9df",
    blue: "#0072b2",
};

/// Light on dark. The palette's blue is lifted: on dark paper it has too little contrast.
pub const DARK: Scheme = Scheme {
    ink: "#e8eaed",
    faint: "#a5adb8",
    grid: "#3a414b",
    paper: "#1b1f25",
    idle: "#454c57",
    blue: "#2e9bdc",
};

/// Classes of series: fills `f-NAME`, strokes `s-NAME`.
pub const BLUE: &str = "blue";
pub const ORANGE: &str = "orange";
pub const GREEN: &str = "green";
pub const PURPLE: &str = "purple";
pub const SKY: &str = "sky";
pub const VERMILLION: &str = "vermillion";
pub const YELLOW: &str = "yellow";
pub const GREY: &str = "grey";
pub const IDLE: &str = "idle";

/// The rules of one scheme.
pub fn css(scheme: &Scheme) -> String {
    let mut css = format!(
        "svg.plot text{{font:13px system-ui,-apple-system,'Segoe UI','Helvetica Neue',Arial,sans-serif;fill:{ink}}}\
         svg.plot .tick,svg.plot .note{{fill:{faint};font-size:12px}}\
         svg.plot .small{{font-size:11px}}\
         svg.plot .strong{{font-weight:600}}\
         svg.plot .grid{{stroke:{grid};stroke-width:1}}\
         svg.plot .frame{{stroke:{faint};stroke-width:1;fill:none}}\
         svg.plot .limit{{stroke:{ink};stroke-width:1.5;stroke-dasharray:6 4;fill:none}}\
         svg.plot .roof{{stroke:{ink};stroke-width:2;fill:none}}\
         svg.plot .leader{{stroke:{faint};stroke-width:.7}}\
         svg.plot .point{{stroke:{paper};stroke-width:1.5}}\
         svg.plot .edge{{stroke:{paper};stroke-width:.6}}",
        ink = scheme.ink,
        faint = scheme.faint,
        grid = scheme.grid,
        paper = scheme.paper,
    );
    let colours = [
        (BLUE, scheme.blue),
        (ORANGE, "#e69f00"),
        (GREEN, "#009e73"),
        (PURPLE, "#cc79a7"),
        (SKY, "#56b4e9"),
        (VERMILLION, "#d55e00"),
        (YELLOW, "#f0e442"),
        (GREY, "#8c939c"),
        (IDLE, scheme.idle),
    ];
    for (name, colour) in colours {
        css.push_str(&format!(
            "svg.plot .f-{name}{{fill:{colour}}}svg.plot .s-{name}{{stroke:{colour};fill:none}}"
        ));
    }
    css
}

/// Class of a filled series.
pub fn fill(colour: &str) -> String {
    format!("f-{colour}")
}
