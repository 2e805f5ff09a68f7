//! Overflows its stack; with the cfg `linked` the library is in it from the start.

#[cfg(linked)]
#[link(name = "sprint")]
extern "C" {
    fn sprint_init(abi: u32) -> i32;
}

fn deeper(n: u64) -> u64 {
    let here = std::hint::black_box([n; 64]);
    deeper(n.wrapping_add(1)).wrapping_add(here[0])
}

fn main() {
    #[cfg(linked)]
    assert_eq!(unsafe { sprint_init(1 << 16) }, 0);
    println!("{}", deeper(1));
}
