//! Gravity: towards which side or corner something lies, by the points of the
//! compass, as sharp and ImageMagick name them.

use crate::{Error, Parameters};

/// The JSON Schema of the names, for the schemas of operations.
macro_rules! gravity_names {
    () => {
        r#"["centre", "center", "north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest"]"#
    };
}
pub(super) use gravity_names;

/// Which share of the surplus lies left of and above: 0, ½ or 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gravity {
    pub(super) x: f64,
    pub(super) y: f64,
}

const CENTRE: Gravity = Gravity { x: 0.5, y: 0.5 };
const SOUTHEAST: Gravity = Gravity { x: 1.0, y: 1.0 };

pub(super) const GRAVITIES: [(&str, Gravity); 10] = [
    ("centre", CENTRE),
    ("center", CENTRE),
    ("north", Gravity { x: 0.5, y: 0.0 }),
    ("northeast", Gravity { x: 1.0, y: 0.0 }),
    ("east", Gravity { x: 1.0, y: 0.5 }),
    ("southeast", SOUTHEAST),
    ("south", Gravity { x: 0.5, y: 1.0 }),
    ("southwest", Gravity { x: 0.0, y: 1.0 }),
    ("west", Gravity { x: 0.0, y: 0.5 }),
    ("northwest", Gravity { x: 0.0, y: 0.0 }),
];

impl Gravity {
    pub(super) const CENTRE: Self = CENTRE;
    pub(super) const SOUTHEAST: Self = SOUTHEAST;

    pub(super) fn read(parameters: &Parameters) -> Result<Option<Self>, Error> {
        parameters.choice("gravity", &GRAVITIES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_knows_the_same_names() {
        let names: Vec<String> = serde_json::from_str(gravity_names!()).unwrap();
        assert_eq!(names, GRAVITIES.map(|(name, _)| name));
    }
}
