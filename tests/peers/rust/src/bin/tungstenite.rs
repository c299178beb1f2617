//! tokio-tungstenite: no framework, only TCP, a handshake and a loop for each connection.
//!
//! The broadcast channel holds the last messages once, whoever has yet to read them. A task whose client does not read
//! waits in `send`; once it is more than MAX_WAITING messages behind it has lagged, and goes on with the oldest that
//! the channel still has. Nobody waits for it.
#![allow(clippy::result_large_err)] // the type of a refusal is tungstenite's

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use peers::{MAX_MESSAGE_BYTES, MAX_WAITING, Outcome};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

type Socket = WebSocketStream<TcpStream>;
type Room = broadcast::Sender<Message>;

const OPENING: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Outcome {
    let listener = TcpListener::from_std(peers::listen()?)?;
    let (room, _) = broadcast::channel(MAX_WAITING);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, room.clone()))),
            Err(_) => sleep(Duration::from_millis(50)).await, // no file is free: until another connection ends
        }
    }
}

async fn serve(stream: TcpStream, room: Room) {
    let _ = stream.set_nodelay(true); // a small message must not wait for the last one's acknowledgement
    let mut path = String::new();
    let check = |request: &Request, response: Response| {
        path = request.uri().path().to_owned();
        admit(request, response)
    };
    // Who is refused has been told so; who says nothing at all is not waited for.
    let opening = accept_hdr_async_with_config(stream, check, Some(limits()));
    let Ok(Ok(mut socket)) = timeout(OPENING, opening).await else { return };
    let ended = match path.as_str() {
        "/echo" => echo(&mut socket).await,
        _ => broadcast(&mut socket, room).await,
    };
    let (code, reason) = match ended {
        Err(Error::Capacity(_)) => (CloseCode::Size, "at most 1 MiB"),
        Err(Error::Utf8(_)) => (CloseCode::Invalid, "not UTF-8"),
        Err(Error::Protocol(_)) => (CloseCode::Protocol, "not by RFC 6455"),
        _ => return, // every other error says that there is nobody left to tell
    };
    let _ = socket.close(Some(CloseFrame { code, reason: reason.into() })).await;
}

fn admit(request: &Request, response: Response) -> Result<Response, ErrorResponse> {
    let refuse = |status| {
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = status;
        Err(refusal)
    };
    match request.uri().path() {
        "/echo" | "/broadcast" => {}
        _ => return refuse(StatusCode::NOT_FOUND),
    }
    if !peers::may_connect(request.headers().get("origin").map(|value| value.as_bytes())) {
        return refuse(StatusCode::FORBIDDEN);
    }
    Ok(response)
}

/// A frame that is a bit too big is read before it is refused, or its sender would be cut off in the middle of it.
/// What is written is not bounded by default: a client that pings and never reads would fill the memory with pongs.
fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(2 * MAX_MESSAGE_BYTES))
        .max_write_buffer_size(2 * MAX_MESSAGE_BYTES)
}

async fn echo(socket: &mut Socket) -> Result<(), Error> {
    while let Some(message) = socket.next().await {
        match message? {
            message @ (Message::Text(_) | Message::Binary(_)) => socket.send(message).await?,
            Message::Close(_) => return socket.flush().await, // tungstenite has the answer ready
            _ => {}                                           // it answers pings itself, the next time we read
        }
    }
    Ok(())
}

async fn broadcast(socket: &mut Socket, room: Room) -> Result<(), Error> {
    let mut news = room.subscribe(); // dropped at every end: nobody has to sign off
    loop {
        tokio::select! {
            said = socket.next() => match said.transpose()? {
                Some(Message::Text(text)) if text == "count" => {
                    socket.send(room.receiver_count().to_string().into()).await?;
                }
                Some(message @ (Message::Text(_) | Message::Binary(_))) => drop(room.send(message)),
                Some(Message::Close(_)) => return socket.flush().await,
                Some(_) => {}
                None => return Ok(()),
            },
            heard = news.recv() => match heard {
                Ok(message) => socket.send(message).await?,
                Err(RecvError::Lagged(_)) => {} // the next recv goes on with the oldest that is kept
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}
