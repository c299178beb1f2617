//! actix-ws, the successor of Actix's actors: an async function for each connection, with a session to send by and a
//! stream to read from.
//!
//! What the library leaves to us: it answers no ping, and hands out fragments unless told to join them. A session takes
//! 32 messages before `text` and `binary` wait. The broadcast channel holds the last messages once; who is more than
//! MAX_WAITING behind has lagged, and goes on with the oldest that the channel still has. Nobody waits for it.
use std::time::Duration;

use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, rt, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Closed, ProtocolError, Session};
use peers::{MAX_MESSAGE_BYTES, MAX_WAITING, Outcome};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

type Room = broadcast::Sender<Data>;
type Heard = Option<Result<AggregatedMessage, ProtocolError>>;

#[derive(Clone)]
enum Data {
    Text(bytestring::ByteString),
    Binary(web::Bytes),
}

enum Event {
    Data(Data),
    Nothing,
    End(Option<CloseReason>),
}

#[actix_web::main]
async fn main() -> Outcome {
    let listener = peers::listen()?;
    let (room, _) = broadcast::channel::<Data>(MAX_WAITING);
    // The closure runs once a worker: a channel that is made in it would be another one for each.
    let app = move || {
        App::new()
            .app_data(web::Data::new(room.clone()))
            .route("/echo", web::get().to(open_echo))
            .route("/broadcast", web::get().to(open_broadcast))
    };
    HttpServer::new(app)
        .workers(2)
        // Actix would listen for another second to a client that may have more to say; after a closing handshake
        // nobody has, and the client waits for the server to end TCP (RFC 6455, 7.1.1).
        .client_disconnect_timeout(Duration::ZERO)
        // SIGTERM does what it does to any program; Actix would wait half a minute for the connections to end.
        .disable_signals()
        .listen(listener)?
        .run()
        .await?;
    Ok(())
}

async fn open_echo(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    let (response, session, messages) = open(&request, body)?;
    rt::spawn(echo(session, messages));
    Ok(response)
}

async fn open_broadcast(
    request: HttpRequest,
    body: web::Payload,
    room: web::Data<Room>,
) -> Result<HttpResponse, Error> {
    let (response, session, messages) = open(&request, body)?;
    rt::spawn(broadcast(session, messages, room));
    Ok(response)
}

fn open(request: &HttpRequest, body: web::Payload) -> Result<(HttpResponse, Session, AggregatedMessageStream), Error> {
    if !peers::may_connect(request.headers().get("origin").map(|value| value.as_bytes())) {
        return Err(actix_web::error::ErrorForbidden("a page from elsewhere"));
    }
    let (response, session, messages) = actix_ws::handle(request, body)?;
    // A frame is refused when all of it has come: this bounds what we handle, not what the library holds until then.
    let messages = messages.max_frame_size(MAX_MESSAGE_BYTES).aggregate_continuations();
    Ok((response, session, messages.max_continuation_size(MAX_MESSAGE_BYTES)))
}

async fn echo(mut session: Session, mut messages: AggregatedMessageStream) -> Result<(), Closed> {
    loop {
        match understand(&mut session, messages.recv().await).await? {
            Event::Data(data) => send(&mut session, data).await?,
            Event::Nothing => {}
            Event::End(reason) => return session.close(reason).await,
        }
    }
}

async fn broadcast(
    mut session: Session,
    mut messages: AggregatedMessageStream,
    room: web::Data<Room>,
) -> Result<(), Closed> {
    let mut news = room.subscribe(); // dropped at every end: nobody has to sign off
    loop {
        tokio::select! {
            heard = messages.recv() => match understand(&mut session, heard).await? {
                Event::Data(Data::Text(text)) if text == "count" => {
                    session.text(room.receiver_count().to_string()).await?;
                }
                Event::Data(data) => drop(room.send(data)),
                Event::Nothing => {}
                Event::End(reason) => return session.close(reason).await,
            },
            data = news.recv() => match data {
                Ok(data) => send(&mut session, data).await?,
                Err(RecvError::Lagged(_)) => {} // the next recv goes on with the oldest that is kept
                Err(RecvError::Closed) => return session.close(None).await,
            },
        }
    }
}

async fn send(session: &mut Session, data: Data) -> Result<(), Closed> {
    match data {
        Data::Text(text) => session.text(text).await,
        Data::Binary(bytes) => session.binary(bytes).await,
    }
}

/// Do what the protocol wants done, and say what is left for the application.
async fn understand(session: &mut Session, heard: Heard) -> Result<Event, Closed> {
    Ok(match heard {
        Some(Ok(AggregatedMessage::Text(text))) => Event::Data(Data::Text(text)),
        Some(Ok(AggregatedMessage::Binary(bytes))) => Event::Data(Data::Binary(bytes)),
        Some(Ok(AggregatedMessage::Ping(payload))) => {
            session.pong(&payload).await?;
            Event::Nothing
        }
        Some(Ok(AggregatedMessage::Pong(_))) => Event::Nothing,
        Some(Ok(AggregatedMessage::Close(reason))) => Event::End(reason),
        Some(Err(ProtocolError::Overflow)) => Event::End(Some(CloseCode::Size.into())),
        // Fragments that are too much together come as Io, like a connection that broke: 1009 would be a guess.
        Some(Err(_)) => Event::End(Some(CloseCode::Protocol.into())),
        None => Event::End(None),
    })
}
