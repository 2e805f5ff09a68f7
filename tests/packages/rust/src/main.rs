//! One question over a pooled TLS connection: `first HOST:PORT CA_FILE`.

use std::error::Error;
use std::time::Duration;

use sprint::Pool;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let pool = Pool::builder(&args[1]).with_ca_file(&args[2]).build()?;
    let mut conn = pool.acquire(Duration::from_secs(5))?;
    let mut answer = [0; 256];
    let n = conn.request(b"ECHO\nPING\n", &mut answer)?;
    print!("{}", String::from_utf8_lossy(&answer[..n]));
    Ok(())
}
