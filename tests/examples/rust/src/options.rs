//! What the engine is told on its command line.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

pub const USAGE: &str = "\
usage: engine --endpoint HOST:PORT --key-file FILE [option...]
  --endpoint LIST     host:port[,host:port...]
  --key-file FILE     raw bytes of the login key
  --ca-file FILE      PEM roots, instead of the system's
  --server-name NAME  name to verify, instead of the endpoint's host
  --connections N     size of the pool, 1..1000; 4
  --seconds N         how long to run, 1..120; 5
";

pub struct Options {
    pub endpoint: String,
    pub key_file: PathBuf,
    pub ca_file: Option<PathBuf>,
    pub server_name: Option<String>,
    pub connections: u32,
    pub run_time: Duration,
}

impl Options {
    /// Takes both `--name value` and `--name=value`; the error is a sentence for the user.
    pub fn parse(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
        let (mut endpoint, mut key_file, mut ca_file, mut server_name) = (None, None, None, None);
        let (mut connections, mut seconds) = (4, 5.0);
        while let Some(arg) = args.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value.to_string())),
                None => (arg.as_str(), args.next()),
            };
            let value = value.ok_or(format!("{} needs a value", name))?;
            match name {
                "--endpoint" => endpoint = Some(value),
                "--key-file" => key_file = Some(value.into()),
                "--ca-file" => ca_file = Some(value.into()),
                "--server-name" => server_name = Some(value),
                "--connections" => connections = number(name, &value, 1, 1000)?,
                "--seconds" => seconds = number(name, &value, 1.0, 120.0)?,
                _ => return Err(format!("no such option: {}", name)),
            }
        }
        Ok(Options {
            endpoint: endpoint.ok_or("--endpoint is missing")?,
            key_file: key_file.ok_or("--key-file is missing")?,
            ca_file,
            server_name,
            connections,
            run_time: Duration::from_secs_f64(seconds),
        })
    }
}

fn number<T>(name: &str, text: &str, least: T, most: T) -> Result<T, String>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    match text.parse() {
        Ok(value) if least <= value && value <= most => Ok(value),
        _ => Err(format!(
            "{}: {:?} is not in {}..{}",
            name, text, least, most
        )),
    }
}
