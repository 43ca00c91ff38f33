//! Links the server without its symbols, which are a quarter of the file. The profile could, too, but
//! then tests would have none either, and their backtraces no names.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |variable: &str, value: &str| std::env::var(variable).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("PROFILE", "release") {
        println!("cargo:rustc-link-arg-bin=tintype=-Wl,--strip-all");
    }
}
