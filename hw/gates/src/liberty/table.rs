//! Tables of delay, transition and energy by transition of the input and load of the output.

use super::text::Group;

/// Which of the two a column or row goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    Slew,
    Load,
}

/// Values over a grid; between its points, and beyond them, along straight lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    axes: Vec<(Axis, Vec<f64>)>,
    values: Vec<f64>,
}

fn numbers(text: &str) -> Result<Vec<f64>, String> {
    text.split([',', ' ', '\t', '\n', '\r'])
        .filter(|part| !part.is_empty())
        .map(|part| match part.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(format!("`{part}` is no number")),
        })
        .collect()
}

fn axis(variable: &str) -> Result<Axis, String> {
    match variable {
        "total_output_net_capacitance" | "equal_or_opposite_output_net_capacitance" => Ok(Axis::Load),
        name if name.contains("transition") => Ok(Axis::Slew),
        other => Err(format!(
            "a table goes by `{other}`; known: transition of an input, capacitance of the output net"
        )),
    }
}

/// The left point of the interval and how far along it, for a straight line through its ends.
fn place(points: &[f64], x: f64) -> (usize, f64) {
    let last = points.len().saturating_sub(2);
    let at = points.iter().skip(1).take(last).take_while(|point| **point <= x).count();
    let (from, to) = (points[at], points[at + 1]);
    (at, if to > from { (x - from) / (to - from) } else { 0.0 })
}

impl Table {
    /// Reads a table; what it does not say itself, its template says.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(group: &Group, template: Option<&Group>) -> Result<Table, String> {
        let mut values = Vec::new();
        for row in group.values("values").ok_or("a table has no `values`")? {
            values.extend(numbers(row)?);
        }
        let mut axes = Vec::new();
        for number in 1..=3 {
            let Some(variable) = template.and_then(|one| one.value(&format!("variable_{number}"))) else {
                break;
            };
            let key = format!("index_{number}");
            let index = group.value(&key).or_else(|| template.and_then(|one| one.value(&key)));
            let points = numbers(index.ok_or_else(|| format!("a table has no `{key}`"))?)?;
            if points.is_empty() || points.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(format!("`{key}` of a table does not increase"));
            }
            axes.push((axis(variable)?, points));
        }
        let size: usize = axes.iter().map(|(_, points)| points.len()).product();
        if axes.len() > 2 {
            return Err("a table has three axes; at most two are read".to_owned());
        }
        if size != values.len() {
            return Err(format!("a table has {} values for {size} points", values.len()));
        }
        Ok(Table { axes, values })
    }

    /// The value at a transition and a load, in the library's units.
    #[must_use]
    pub fn at(&self, slew: f64, load: f64) -> f64 {
        self.along(0, &self.values, slew, load)
    }

    fn along(&self, axis: usize, values: &[f64], slew: f64, load: f64) -> f64 {
        let Some((by, points)) = self.axes.get(axis) else { return values.first().copied().unwrap_or(0.0) };
        let step = values.len() / points.len();
        let part = |index: usize| self.along(axis + 1, &values[index * step..(index + 1) * step], slew, load);
        if points.len() == 1 {
            return part(0);
        }
        let (at, share) = place(points, if *by == Axis::Slew { slew } else { load });
        let (from, to) = (part(at), part(at + 1));
        from + share * (to - from)
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::read;
    use super::*;

    fn table(body: &str) -> Result<Table, String> {
        let text = format!(
            "library (t) {{ lu_table_template (two) {{ variable_1 : input_net_transition; variable_2 : \
             total_output_net_capacitance; index_1 (\"0, 1\"); index_2 (\"0, 2\"); }} x (two) {{ {body} }} }}"
        );
        let library = read(&text).unwrap();
        let (template, group) = (&library.groups[0], &library.groups[1]);
        Table::read(group, Some(template))
    }

    #[test]
    fn values_lie_on_straight_lines_between_and_beyond_points() {
        let table = table("values (\"1, 3\", \"2, 6\");").unwrap();
        for (slew, load, value) in [
            (0.0, 0.0, 1.0),
            (1.0, 2.0, 6.0),
            (0.5, 0.0, 1.5),
            (0.5, 1.0, 3.0),
            (2.0, 0.0, 3.0),
            (0.0, -1.0, 0.0),
        ] {
            assert!((table.at(slew, load) - value).abs() < 1e-12, "{slew} {load}");
        }
    }

    #[test]
    fn tables_without_their_points_are_refused() {
        for (body, what) in [
            ("", "no `values`"),
            ("values (\"1, 2, 3\");", "3 values for 4"),
            ("values (\"1, x\", \"2, 3\");", "no number"),
            ("index_1 (\"1, 1\"); values (\"1, 2, 3, 4\");", "does not increase"),
        ] {
            assert!(table(body).unwrap_err().contains(what), "{body}");
        }
    }
}
