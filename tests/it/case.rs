//! The list of cases: each is a claim about a running house, judged on every backend.

use std::future::Future;
use std::pin::Pin;

use crate::house::House;

/// A claim and the function that shows it.
pub struct Case {
    pub name: String,
    pub run: fn(House) -> Pin<Box<dyn Future<Output = ()>>>,
}

/// A claim about houses that it builds itself, with settings of their own; judged on the embedded
/// store alone, since it is not about stores.
pub struct Scene {
    pub name: String,
    pub run: fn() -> Pin<Box<dyn Future<Output = ()>>>,
}

/// Lists async functions without arguments of one module as scenes.
#[macro_export]
macro_rules! scenes {
    ($($name:ident),* $(,)?) => {
        /// The claims of this file.
        pub fn scenes() -> Vec<$crate::case::Scene> {
            vec![$($crate::case::Scene {
                name: format!(
                    "{}::{}",
                    module_path!().trim_start_matches("it::"),
                    stringify!($name)
                ),
                run: || Box::pin($name()),
            }),*]
        }
    };
}

/// Lists async functions of one module as cases. A function left out is dead code, which the build
/// refuses.
#[macro_export]
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        /// The claims of this file.
        pub fn cases() -> Vec<$crate::case::Case> {
            vec![$($crate::case::Case {
                name: format!(
                    "{}::{}",
                    module_path!().trim_start_matches("it::"),
                    stringify!($name)
                ),
                run: |house| Box::pin($name(house)),
            }),*]
        }
    };
}
