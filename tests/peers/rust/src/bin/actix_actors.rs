//! Actix-web with actix-web-actors (deprecated, but what most examples show): an actor for each connection, and one
//! that knows them all. State belongs to one actor, actors send each other messages, so nothing needs a lock.
//!
//! A mailbox holds MAX_WAITING messages. An actor runs only while its client reads, so the mailbox of a slow reader
//! fills: the room then forgets it, and it is closed with 1013 once it has read what it missed. Nobody waits for it.
use std::collections::HashSet;
use std::time::Duration;

use actix::prelude::*;
use actix_http::ws::Item;
use actix_web::{App, Error, HttpRequest, HttpResponse, HttpServer, web};
use actix_web_actors::ws::{self, CloseCode, ProtocolError, WebsocketContext};
use bytestring::ByteString;
use peers::{MAX_MESSAGE_BYTES, MAX_WAITING, Outcome};

#[derive(Clone, Message)]
#[rtype(result = "()")]
enum Data {
    Text(ByteString),
    Binary(web::Bytes),
}

#[derive(Message)]
#[rtype(result = "()")]
struct Join(Addr<Connection>);

#[derive(Message)]
#[rtype(result = "()")]
struct Leave(Addr<Connection>);

#[derive(Message)]
#[rtype(result = "usize")]
struct Count;

#[derive(Message)]
#[rtype(result = "()")]
struct TooSlow;

/// The one actor that knows all members: with a set in each connection, nobody would hear anybody.
#[derive(Default)]
struct Room {
    members: HashSet<Addr<Connection>>,
}

impl Actor for Room {
    type Context = Context<Self>;
}

impl Handler<Join> for Room {
    type Result = ();
    fn handle(&mut self, Join(member): Join, _: &mut Self::Context) {
        self.members.insert(member);
    }
}

impl Handler<Leave> for Room {
    type Result = ();
    fn handle(&mut self, Leave(member): Leave, _: &mut Self::Context) {
        self.members.remove(&member);
    }
}

impl Handler<Count> for Room {
    type Result = usize;
    fn handle(&mut self, _: Count, _: &mut Self::Context) -> usize {
        self.members.len()
    }
}

impl Handler<Data> for Room {
    type Result = ();
    fn handle(&mut self, data: Data, _: &mut Self::Context) {
        self.members.retain(|member| match member.try_send(data.clone()) {
            Ok(()) => true,
            Err(SendError::Closed(_)) => false,
            Err(SendError::Full(_)) => {
                member.do_send(TooSlow); // do_send heeds no limit, which is why it must not carry what comes in masses
                false
            }
        });
    }
}

/// What /echo and /broadcast have in common; /echo has no room.
#[derive(Default)]
struct Connection {
    room: Option<Addr<Room>>,
    fragments: Vec<u8>,
    fragments_are_text: bool,
}

impl Actor for Connection {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAX_WAITING);
        if let Some(room) = &self.room {
            // Nothing is handled before the room knows us: who speaks, hears itself.
            context.wait(room.send(Join(context.address())).into_actor(self).map(|_, _, _| ()));
        }
    }

    /// Comes after every end: a closing handshake, an error, a client that vanished.
    fn stopped(&mut self, context: &mut Self::Context) {
        if let Some(room) = &self.room {
            room.do_send(Leave(context.address()));
        }
    }
}

impl StreamHandler<Result<ws::Message, ProtocolError>> for Connection {
    fn handle(&mut self, heard: Result<ws::Message, ProtocolError>, context: &mut Self::Context) {
        match heard {
            Ok(ws::Message::Text(text)) => self.heard(Data::Text(text), context),
            Ok(ws::Message::Binary(bytes)) => self.heard(Data::Binary(bytes), context),
            Ok(ws::Message::Continuation(fragment)) => self.gather(fragment, context),
            Ok(ws::Message::Ping(payload)) => context.pong(&payload), // nobody else does it
            Ok(ws::Message::Pong(_) | ws::Message::Nop) => {}
            Ok(ws::Message::Close(reason)) => {
                context.close(reason);
                context.stop();
            }
            // A frame is refused when all of it has come: max_size bounds what we handle, not what Actix holds.
            Err(ProtocolError::Overflow) => fail(CloseCode::Size, context),
            Err(_) => fail(CloseCode::Protocol, context),
        }
    }
}

impl Connection {
    fn heard(&mut self, data: Data, context: &mut WebsocketContext<Self>) {
        match (&self.room, data) {
            (None, data) => send(data, context),
            (Some(room), Data::Text(text)) if text == "count" => {
                let answer = |count: Result<usize, _>, _: &mut Self, context: &mut WebsocketContext<Self>| {
                    context.text(count.unwrap_or_default().to_string());
                };
                context.wait(room.send(Count).into_actor(self).map(answer));
            }
            // Waiting keeps the order. It holds up no client that sends faster than the room passes on: actix-web-actors
            // reads on meanwhile, into a buffer without a bound.
            (Some(room), data) => context.wait(room.send(data).into_actor(self).map(|_, _, _| ())),
        }
    }

    /// Join the fragments of a message (RFC 6455, 5.4); actix-web-actors hands them out one by one.
    fn gather(&mut self, fragment: Item, context: &mut WebsocketContext<Self>) {
        let (payload, is_last) = match fragment {
            Item::FirstText(payload) => {
                self.fragments_are_text = true;
                (payload, false)
            }
            Item::FirstBinary(payload) => {
                self.fragments_are_text = false;
                (payload, false)
            }
            Item::Continue(payload) => (payload, false),
            Item::Last(payload) => (payload, true),
        };
        if self.fragments.len() + payload.len() > MAX_MESSAGE_BYTES {
            return fail(CloseCode::Size, context);
        }
        self.fragments.extend_from_slice(&payload);
        if is_last {
            let message = web::Bytes::from(std::mem::take(&mut self.fragments));
            match (self.fragments_are_text, ByteString::try_from(message.clone())) {
                (false, _) => self.heard(Data::Binary(message), context),
                (true, Ok(text)) => self.heard(Data::Text(text), context),
                (true, Err(_)) => fail(CloseCode::Invalid, context),
            }
        }
    }
}

impl Handler<Data> for Connection {
    type Result = ();
    fn handle(&mut self, data: Data, context: &mut Self::Context) {
        send(data, context);
    }
}

impl Handler<TooSlow> for Connection {
    type Result = ();
    fn handle(&mut self, _: TooSlow, context: &mut Self::Context) {
        fail(CloseCode::Again, context);
    }
}

fn send(data: Data, context: &mut WebsocketContext<Connection>) {
    match data {
        Data::Text(text) => context.text(text),
        Data::Binary(bytes) => context.binary(bytes),
    }
}

fn fail(code: CloseCode, context: &mut WebsocketContext<Connection>) {
    context.close(Some(code.into()));
    context.stop();
}

#[actix_web::main]
async fn main() -> Outcome {
    let listener = peers::listen()?;
    let room = Room::default().start();
    // The closure runs once a worker: a room that is started in it would be another one for each.
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
    open(Connection::default(), &request, body)
}

async fn open_broadcast(
    request: HttpRequest,
    body: web::Payload,
    room: web::Data<Addr<Room>>,
) -> Result<HttpResponse, Error> {
    let member = Connection { room: Some(room.get_ref().clone()), ..Connection::default() };
    open(member, &request, body)
}

fn open(connection: Connection, request: &HttpRequest, body: web::Payload) -> Result<HttpResponse, Error> {
    if !peers::may_connect(request.headers().get("origin").map(|value| value.as_bytes())) {
        return Err(actix_web::error::ErrorForbidden("a page from elsewhere"));
    }
    ws::WsResponseBuilder::new(connection, request, body).frame_size(MAX_MESSAGE_BYTES).start()
}
