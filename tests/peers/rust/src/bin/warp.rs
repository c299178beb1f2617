//! Warp: a server is a filter, put together from smaller ones; a connection is a sink and a stream.
//!
//! The broadcast channel holds the last messages once, whoever has yet to read them. A task whose client does not read
//! waits in `send`; once it is more than MAX_WAITING messages behind it has lagged, and goes on with the oldest that
//! the channel still has. Nobody waits for it.
use std::error::Error as _;

use futures_util::{SinkExt, StreamExt};
use peers::{MAX_MESSAGE_BYTES, MAX_WAITING, Outcome};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_tungstenite::tungstenite;
use warp::http::StatusCode;
use warp::ws::{Message, WebSocket, Ws};
use warp::{Filter, Rejection, Reply};

type Room = broadcast::Sender<Message>;

#[derive(Debug)]
struct ForeignPage;
impl warp::reject::Reject for ForeignPage {}

#[tokio::main]
async fn main() -> Outcome {
    let listener = TcpListener::from_std(peers::listen()?)?;
    let (room, _) = broadcast::channel(MAX_WAITING);
    let echo = warp::path!("echo").and(socket()).map(|ws: Ws| ws.on_upgrade(echo));
    let broadcast = warp::path!("broadcast").and(socket()).map(move |ws: Ws| {
        let room = room.clone(); // made in here, each connection would be alone in its own
        ws.on_upgrade(|socket| broadcast(socket, room))
    });
    let routes = echo.or(broadcast).recover(refuse);
    warp::serve(routes).incoming(listener).run().await;
    Ok(())
}

/// A WebSocket of a client that may connect, with limits.
fn socket() -> impl Filter<Extract = (Ws,), Error = Rejection> + Clone {
    // A frame that is a bit too big is read before it is refused, or its sender would be cut off in the middle of it.
    // What is written is not bounded by default: a client that pings and never reads would fill the memory with pongs.
    let limited = |ws: Ws| {
        ws.max_message_size(MAX_MESSAGE_BYTES)
            .max_frame_size(2 * MAX_MESSAGE_BYTES)
            .max_write_buffer_size(2 * MAX_MESSAGE_BYTES)
    };
    local_page().and(warp::ws()).map(limited)
}

fn local_page() -> impl Filter<Extract = (), Error = Rejection> + Clone {
    warp::header::headers_cloned()
        .and_then(|headers: warp::http::HeaderMap| async move {
            let origin = headers.get("origin").map(|value| value.as_bytes());
            if peers::may_connect(origin) { Ok(()) } else { Err(warp::reject::custom(ForeignPage)) }
        })
        .untuple_one()
}

/// Warp knows an answer to its own rejections (404 and 405, for instance), and would say 500 to ours.
async fn refuse(rejection: Rejection) -> Result<impl Reply, Rejection> {
    match rejection.find::<ForeignPage>() {
        Some(ForeignPage) => Ok(StatusCode::FORBIDDEN),
        None => Err(rejection),
    }
}

async fn echo(mut socket: WebSocket) {
    let ended = echo_until_end(&mut socket).await;
    tell_why(socket, ended).await;
}

async fn echo_until_end(socket: &mut WebSocket) -> Result<(), warp::Error> {
    while let Some(message) = socket.next().await {
        match message? {
            message if message.is_text() || message.is_binary() => socket.send(message).await?,
            message if message.is_close() => return socket.flush().await, // the answer lies ready below Warp
            _ => {}                                                       // pings are answered there too
        }
    }
    Ok(())
}

async fn broadcast(mut socket: WebSocket, room: Room) {
    let ended = broadcast_until_end(&mut socket, room).await;
    tell_why(socket, ended).await;
}

async fn broadcast_until_end(socket: &mut WebSocket, room: Room) -> Result<(), warp::Error> {
    let mut news = room.subscribe(); // dropped at every end: nobody has to sign off
    loop {
        tokio::select! {
            said = socket.next() => match said.transpose()? {
                Some(message) if message.to_str() == Ok("count") => {
                    socket.send(Message::text(room.receiver_count().to_string())).await?;
                }
                Some(message) if message.is_text() || message.is_binary() => drop(room.send(message)),
                Some(message) if message.is_close() => return socket.flush().await,
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

/// Warp's error hides the one of tungstenite, which alone says why.
async fn tell_why(mut socket: WebSocket, ended: Result<(), warp::Error>) {
    let Err(error) = ended else { return };
    let (code, reason) = match error.source().and_then(|source| source.downcast_ref()) {
        Some(tungstenite::Error::Capacity(_)) => (1009u16, "at most 1 MiB"),
        Some(tungstenite::Error::Utf8(_)) => (1007, "not UTF-8"),
        Some(tungstenite::Error::Protocol(_)) => (1002, "not by RFC 6455"),
        _ => return, // every other error says that there is nobody left to tell
    };
    let _ = socket.send(Message::close_with(code, reason)).await;
}
