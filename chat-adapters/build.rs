//! Builds the crate again when a migration is added: the macro that embeds them sees only old ones.

fn main() {
    println!("cargo:rerun-if-changed=sql/sqlite");
    println!("cargo:rerun-if-changed=sql/mysql");
}
