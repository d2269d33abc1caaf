//! What users see while backends fail, and what they get when they reach a limit.

mod connections;
mod endings;
mod fixture;
mod stores;
mod without_hints;
