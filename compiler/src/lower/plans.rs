//! Plans that were made: a network has few shapes of layers, and the mapper tries many tilings for each.

use std::cell::RefCell;

use super::geometry::Geometry;
use super::plan::{Plan, Shortage};
use super::sweep::{Sweep, Tiling};
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
pub(crate) struct Plans {
    products: RefCell<Vec<Planned>>,
    sweeps: RefCell<Vec<(Sweep, Area, Tiling)>>,
}

impl Plans {
    /// The plan of a product, made by `plan` where none of its shape has been.
    pub(super) fn of(
        &self,
        geometry: &Geometry,
        area: &Area,
        plan: impl FnOnce(&Geometry) -> Result<Plan, Shortage>,
    ) -> Result<Plan, Shortage> {
        let shape = geometry.shape();
        let mut known = self.products.borrow_mut();
        let found = known.iter().find(|planned| planned.area == *area && planned.shape == shape);
        if let Some(planned) = found {
            return planned.plan.clone();
        }
        let plan = plan(&shape);
        known.push(Planned { shape, area: *area, plan: plan.clone() });
        plan
    }

    /// The tiling of a sweep of this shape, where one was chosen.
    pub(super) fn sweep(&self, shape: &Sweep, area: &Area) -> Option<Tiling> {
        let known = self.sweeps.borrow();
        let found = known.iter().find(|(known, place, _)| place == area && known == shape);
        found.map(|(_, _, tiling)| tiling.clone())
    }

    /// Keeps the tiling of a sweep.
    pub(super) fn keep_sweep(&self, shape: Sweep, area: Area, tiling: Tiling) {
        self.sweeps.borrow_mut().push((shape, area, tiling));
    }
}
