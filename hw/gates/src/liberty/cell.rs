//! One cell of a library.

use std::collections::BTreeMap;

use super::function::{MOST_VARIABLES, Truth, truth};
use super::table::Table;
use super::text::Group;

/// A cell. Its variables are the inputs in their order and, behind them, the state of a flip-flop.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Area, in the library's unit, which is um2 as a rule.
    pub area: f64,
    /// Leakage where no condition holds, in the library's unit.
    pub leakage: f64,
    /// Leakage under conditions.
    pub leakage_when: Vec<(Truth, f64)>,
    /// Inputs.
    pub inputs: Vec<Input>,
    /// Outputs.
    pub outputs: Vec<Output>,
    /// What makes it a flip-flop.
    pub sequential: Option<Sequential>,
}

/// An input.
#[derive(Clone, Debug)]
pub struct Input {
    /// Name.
    pub name: String,
    /// Capacitance, in the library's unit.
    pub capacitance: f64,
    /// Energies of its own edges.
    pub powers: Vec<Power>,
}

/// An output.
#[derive(Clone, Debug)]
pub struct Output {
    /// Name.
    pub name: String,
    /// Its value.
    pub function: Truth,
    /// Delays and transitions.
    pub arcs: Vec<Arc>,
    /// Energies of its edges.
    pub powers: Vec<Power>,
}

/// Energy of an edge, in the library's unit, without what charges the load.
#[derive(Clone, Debug)]
pub struct Power {
    /// The input that causes it; none: any.
    pub related: Option<usize>,
    /// In which states.
    pub when: Option<Truth>,
    /// Of a rising edge, and of a falling one.
    pub edges: [Option<Table>; 2],
}

/// From an input to an output.
#[derive(Clone, Debug)]
pub struct Arc {
    /// The input.
    pub related: usize,
    /// In which states.
    pub when: Option<Truth>,
    /// Delay of a rising edge of the output, and of a falling one.
    pub delay: [Option<Table>; 2],
    /// Transition of the output, alike.
    pub transition: [Option<Table>; 2],
}

/// A flip-flop that takes its next state at the rising edge of an input.
#[derive(Clone, Debug)]
pub struct Sequential {
    /// The clock, as an input.
    pub clock: usize,
    /// Next state.
    pub next: Truth,
    /// Whether it is cleared.
    pub clear: Truth,
    /// Whether it is set.
    pub preset: Truth,
}

type Templates<'a> = BTreeMap<&'a str, &'a Group>;

/// What a name in an expression means.
struct Names {
    variables: Vec<String>,
    /// So many of them are inputs.
    inputs: usize,
    derived: BTreeMap<String, Truth>,
}

impl Names {
    fn truth(&self, text: &str) -> Result<Truth, String> {
        truth(text, &|name| {
            let variable = self.variables.iter().position(|known| known == name).map(Truth::variable);
            variable.or_else(|| self.derived.get(name).copied())
        })
    }

    fn input(&self, name: &str) -> Option<usize> {
        self.variables.iter().take(self.inputs).position(|known| known == name)
    }
}

fn number(group: &Group, name: &str) -> Result<Option<f64>, String> {
    let Some(text) = group.value(name) else { return Ok(None) };
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Some(number)),
        _ => Err(format!("line {}: `{name}` is `{text}`, which is no number", group.line)),
    }
}

impl Cell {
    /// Reads a cell.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(super) fn read(group: &Group, templates: &Templates<'_>) -> Result<Cell, String> {
        if let Some(odd) = ["latch", "statetable", "bus", "bundle", "ff_bank"]
            .iter()
            .find(|kind| group.of(kind).next().is_some())
        {
            return Err(format!("it has a `{odd}`"));
        }
        let pins: Vec<(&String, &Group)> =
            group.of("pin").flat_map(|pin| pin.arguments.iter().map(move |name| (name, pin))).collect();
        let directed = |way: &str| -> Vec<(&String, &Group)> {
            pins.iter().copied().filter(|(_, pin)| pin.value("direction") == Some(way)).collect()
        };
        let (inputs, outputs) = (directed("input"), directed("output"));
        if outputs.iter().any(|(_, pin)| pin.value("three_state").is_some()) {
            return Err("it has three states".to_owned());
        }
        let mut names = Names {
            inputs: inputs.len(),
            variables: inputs.iter().map(|(name, _)| (*name).clone()).collect(),
            derived: BTreeMap::new(),
        };
        let sequential = flip_flop(group, &mut names)?;
        if names.variables.len() > MOST_VARIABLES {
            return Err(format!(
                "it has {} inputs and states; at most {MOST_VARIABLES} are read",
                names.variables.len()
            ));
        }
        let mut functions = Vec::new();
        for (name, pin) in &outputs {
            let function = pin.value("function").ok_or_else(|| format!("output `{name}` has no function"))?;
            functions.push(names.truth(function)?);
        }
        // Conditions speak of outputs too.
        for ((name, _), function) in outputs.iter().zip(&functions) {
            names.derived.insert((*name).clone(), *function);
        }
        let reader = Reader { names: &names, templates, supply: supply(group) };
        let inputs = inputs.iter().map(|(name, pin)| reader.input(name, pin)).collect::<Result<_, _>>()?;
        let outputs =
            outputs.iter().zip(functions).map(|((name, pin), function)| reader.output(name, pin, function));
        let outputs = outputs.collect::<Result<_, _>>()?;
        let mut leakage_when = Vec::new();
        let mut without = None;
        for one in group.of("leakage_power") {
            let Some(value) = number(one, "value")? else { continue };
            match one.value("when") {
                Some(when) => leakage_when.push((names.truth(when)?, value)),
                None => without = Some(value),
            }
        }
        let mean = leakage_when.iter().map(|one| one.1).sum::<f64>() / leakage_when.len().max(1) as f64;
        let leakage = number(group, "cell_leakage_power")?.or(without).unwrap_or(mean);
        let area = number(group, "area")?.unwrap_or(0.0);
        Ok(Cell { area, leakage, leakage_when, inputs, outputs, sequential })
    }
}

/// The pin whose energy counts where a library gives one for each supply.
fn supply(group: &Group) -> Option<String> {
    group
        .of("pg_pin")
        .find(|pin| pin.value("pg_type") == Some("primary_power"))
        .map(|pin| pin.argument().to_owned())
}

fn flip_flop(group: &Group, names: &mut Names) -> Result<Option<Sequential>, String> {
    let Some(ff) = group.of("ff").next() else { return Ok(None) };
    let state = Truth::variable(names.variables.len().min(MOST_VARIABLES - 1));
    let [q, complement] = ff.arguments.as_slice() else {
        return Err("its `ff` names no two states".to_owned());
    };
    names.derived.insert(complement.clone(), Truth(!state.0));
    names.variables.push(q.clone());
    let edge = ff.value("clocked_on").ok_or("its `ff` has no `clocked_on`")?;
    let edge = edge.trim_matches(|c: char| c == '(' || c == ')' || c.is_whitespace());
    let clock = names
        .input(edge)
        .ok_or_else(|| format!("it is clocked on `{edge}`, not on the rising edge of a pin"))?;
    let part = |name: &str| ff.value(name).map_or(Ok(Truth(0)), |text| names.truth(text));
    Ok(Some(Sequential { clock, next: part("next_state")?, clear: part("clear")?, preset: part("preset")? }))
}

struct Reader<'a> {
    names: &'a Names,
    templates: &'a Templates<'a>,
    supply: Option<String>,
}

/// Timing that is no delay to an output's new value.
const NO_DELAY: [&str; 9] =
    ["setup", "hold", "recovery", "removal", "width", "three_state", "skew", "clear", "preset"];

impl Reader<'_> {
    fn table(&self, group: &Group, name: &str) -> Result<Option<Table>, String> {
        let Some(table) = group.of(name).next() else { return Ok(None) };
        let template = self.templates.get(table.argument()).copied();
        if template.is_none() && table.argument() != "scalar" && !table.argument().is_empty() {
            return Err(format!("line {}: no template `{}`", table.line, table.argument()));
        }
        Table::read(table, template).map(Some).map_err(|problem| format!("line {}: {problem}", table.line))
    }

    fn when(&self, group: &Group) -> Result<Option<Truth>, String> {
        group.value("when").map(|text| self.names.truth(text)).transpose()
    }

    /// The inputs that a group names; none where it names none.
    fn related(&self, group: &Group) -> Vec<Option<usize>> {
        let Some(text) = group.value("related_pin") else { return vec![None] };
        text.split_whitespace().filter_map(|name| self.names.input(name)).map(Some).collect()
    }

    fn powers(&self, pin: &Group) -> Result<Vec<Power>, String> {
        let mut powers = Vec::new();
        for group in pin.of("internal_power") {
            let other = |pg: &str| self.supply.as_deref().is_some_and(|supply| supply != pg);
            if group.value("related_pg_pin").is_some_and(other) {
                continue;
            }
            let both = self.table(group, "power")?;
            let rise = self.table(group, "rise_power")?.or_else(|| both.clone());
            let edges = [rise, self.table(group, "fall_power")?.or(both)];
            let when = self.when(group)?;
            for related in self.related(group) {
                powers.push(Power { related, when, edges: edges.clone() });
            }
        }
        Ok(powers)
    }

    fn input(&self, name: &str, pin: &Group) -> Result<Input, String> {
        let capacitance = number(pin, "capacitance")?.unwrap_or(0.0);
        Ok(Input { name: name.to_owned(), capacitance, powers: self.powers(pin)? })
    }

    fn output(&self, name: &str, pin: &Group, function: Truth) -> Result<Output, String> {
        let mut arcs = Vec::new();
        for group in pin.of("timing") {
            let kind = group.value("timing_type").unwrap_or("combinational");
            if NO_DELAY.iter().any(|other| kind.contains(other)) {
                continue;
            }
            let delay = [self.table(group, "cell_rise")?, self.table(group, "cell_fall")?];
            let transition = [self.table(group, "rise_transition")?, self.table(group, "fall_transition")?];
            let when = self.when(group)?;
            for related in self.related(group).into_iter().flatten() {
                arcs.push(Arc { related, when, delay: delay.clone(), transition: transition.clone() });
            }
        }
        Ok(Output { name: name.to_owned(), function, arcs, powers: self.powers(pin)? })
    }
}
