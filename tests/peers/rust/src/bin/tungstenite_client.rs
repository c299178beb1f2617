//! A tokio-tungstenite client: commands come as JSON lines on stdin, what happens goes out as JSON lines on stdout.
//! tests/peers/README.md lists both.
use futures_util::{SinkExt, StreamExt, future};
use peers::{MAX_MESSAGE_BYTES, Outcome};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig, frame::Frame};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[tokio::main]
async fn main() -> Outcome {
    let mut lines = BufReader::new(stdin()).lines();
    let mut socket = None;
    loop {
        tokio::select! {
            line = lines.next_line() => match line? {
                Some(line) => obey(&serde_json::from_str(&line)?, &mut socket).await?,
                None => return Ok(()),
            },
            heard = hear(&mut socket) => {
                let (event, is_end) = event(heard);
                println!("{event}");
                if is_end && let Some(mut closed) = socket.take() {
                    let _ = closed.flush().await; // tungstenite has the answer to a close frame ready
                }
            }
        }
    }
}

/// Wait for what comes next; without a connection, that is nothing.
async fn hear(socket: &mut Option<Socket>) -> Option<Result<Message, Error>> {
    match socket {
        Some(socket) => socket.next().await,
        None => future::pending().await,
    }
}

async fn obey(command: &Value, socket: &mut Option<Socket>) -> Outcome {
    let word = |key: &str| command[key].as_str().unwrap_or_default().to_owned();
    if command["do"] == "connect" {
        *socket = connect(&word("url"), command["origin"].as_str()).await?;
        return Ok(());
    }
    let socket = socket.as_mut().ok_or("no connection")?;
    let sent = match word("do").as_str() {
        "text" => socket.send(Message::text(word("text"))).await,
        "binary" => socket.send(Message::binary(unhex(&word("hex"))?)).await,
        "fragments" => send_fragments(command["parts"].as_array().ok_or("no parts")?, socket).await,
        "ping" => socket.send(Message::Ping(unhex(&word("hex"))?)).await,
        "close" => {
            let code = u16::try_from(command["code"].as_u64().unwrap_or(1000))?;
            socket.close(Some(CloseFrame { code: code.into(), reason: word("reason").into() })).await
        }
        other => return Err(format!("no such command: {other}").into()),
    };
    drop(sent); // that the other side is gone, `hear` tells
    Ok(())
}

async fn connect(url: &str, origin: Option<&str>) -> Result<Option<Socket>, Box<dyn std::error::Error + Send + Sync>> {
    let mut request = url.into_client_request()?;
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse()?);
    }
    let limits = WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE_BYTES));
    match connect_async_with_config(request, Some(limits), true).await {
        Ok((socket, _)) => {
            println!("{}", json!({"event": "open"}));
            Ok(Some(socket))
        }
        Err(Error::Http(response)) => {
            println!("{}", json!({"event": "refused", "status": response.status().as_u16()}));
            Ok(None)
        }
        Err(Error::Io(_)) => {
            println!("{}", event(None).0);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

async fn send_fragments(parts: &[Value], socket: &mut Socket) -> Result<(), Error> {
    for (index, part) in parts.iter().enumerate() {
        let payload = part.as_str().unwrap_or_default().to_owned();
        let opcode = OpCode::Data(if index == 0 { Data::Text } else { Data::Continue });
        socket.send(Message::Frame(Frame::message(payload, opcode, index + 1 == parts.len()))).await?;
    }
    Ok(())
}

/// Put into words what came, and say whether it is the end.
fn event(heard: Option<Result<Message, Error>>) -> (Value, bool) {
    match heard {
        Some(Ok(Message::Text(text))) => (json!({"event": "text", "text": text.as_str()}), false),
        Some(Ok(Message::Binary(bytes))) => (json!({"event": "binary", "hex": hex(&bytes)}), false),
        Some(Ok(Message::Ping(bytes))) => (json!({"event": "ping", "hex": hex(&bytes)}), false),
        Some(Ok(Message::Pong(bytes))) => (json!({"event": "pong", "hex": hex(&bytes)}), false),
        Some(Ok(Message::Close(frame))) => {
            let (code, reason) =
                frame.map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.to_string()));
            (json!({"event": "close", "code": code, "reason": reason}), true)
        }
        _ => (json!({"event": "close", "code": 1006, "reason": ""}), true),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(hex: &str) -> Result<Bytes, std::num::ParseIntError> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16)).collect()
}
