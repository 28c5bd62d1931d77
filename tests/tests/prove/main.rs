//! Almanac over AWS's own protocols: the functions' binaries, with the environment that the template gives them, in a
//! stack that an emulator holds.
//!
//! `infra/prove` makes the stack and runs this; without it these tests are left out.

mod heard;
mod house;
mod month;
mod pump;
mod stack;
