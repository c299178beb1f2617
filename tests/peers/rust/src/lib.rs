//! What every server here shares: where it listens, when it ends, whom it lets in and how much it takes.
use std::error::Error;
use std::net::{Ipv4Addr, TcpListener};
use std::{env, io, process, thread};

pub const MAX_MESSAGE_BYTES: usize = 1 << 20;
/// How many messages may wait for one slow reader.
pub const MAX_WAITING: usize = 64;

pub type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// Listen on this machine only, at the port that `--port` names, and print the port.
pub fn listen() -> Result<TcpListener, Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let port = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => 0,
        ["--port", port] => port.parse()?,
        _ => return Err("the only argument is --port PORT".into()),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?; // what an async runtime wants
    println!("{}", listener.local_addr()?.port());
    thread::spawn(end_with_stdin);
    Ok(listener)
}

/// Whoever started this server holds its stdin: when that closes, nobody needs the server any more.
fn end_with_stdin() {
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    process::exit(0);
}

/// Any page may open a WebSocket to this machine, and the browser says only where the page is from (RFC 6455, 10.2).
pub fn may_connect(origin: Option<&[u8]>) -> bool {
    let Some(origin) = origin else { return true }; // no browser
    let Ok(origin) = str::from_utf8(origin) else { return false };
    let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let local = ["localhost", "127.0.0.1", "[::1]"];
    let Some(port) = host.and_then(|host| local.iter().find_map(|name| host.strip_prefix(name))) else { return false };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    port.is_empty() || port.strip_prefix(':').is_some_and(is_port)
}
