//! Plans that were made: a network has few shapes of layers, and the mapper tries many tilings for each.

use std::cell::RefCell;

use super::geometry::Geometry;
use super::plan::{Plan, Shortage};
use crate::scratch::Area;

/// What was planned, and what came of it.
#[derive(Debug)]
struct Planned {
    shape: Geometry,
    area: Area,
    plan: Result<Plan, Shortage>,
}

/// The plans of one compilation.
#[derive(Debug, Default)]
pub(crate) struct Plans(RefCell<Vec<Planned>>);

impl Plans {
    /// The plan of a product, made by `plan` where none of its shape has been.
    pub(super) fn of(
        &self,
        geometry: &Geometry,
        area: &Area,
        plan: impl FnOnce(&Geometry) -> Result<Plan, Shortage>,
    ) -> Result<Plan, Shortage> {
        let shape = geometry.shape();
        let mut known = self.0.borrow_mut();
        let found = known.iter().find(|planned| planned.area == *area && planned.shape == shape);
        if let Some(planned) = found {
            return planned.plan.clone();
        }
        let plan = plan(&shape);
        known.push(Planned { shape, area: *area, plan: plan.clone() });
        plan
    }
}
