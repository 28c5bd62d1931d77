//! The socket: tells the services apart, asks the script, and answers.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::http::{self, DropConnection};

use super::{Behaviour, Call, Service, State, eventbridge, lock, s3, secrets, sns, sqs};

/// A request as far as the services need it.
pub(super) struct Asked {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: std::collections::HashMap<String, String>,
    pub body: Bytes,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn has_query(&self, name: &str) -> bool {
        self.query.iter().any(|(key, _)| key == name)
    }

    pub fn query(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }
}

/// A reply.
pub(super) struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl Reply {
    pub fn of(content_type: &'static str, body: impl Into<String>) -> Self {
        Self { status: 200, content_type, headers: Vec::new(), body: body.into() }
    }
}

pub(super) async fn start(state: Arc<Mutex<State>>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    (address, tokio::spawn(http::serve(listener, move |request| handle(request, Arc::clone(&state)))))
}

async fn handle(request: Request<Incoming>, state: Arc<Mutex<State>>) -> Result<Response<Full<Bytes>>, DropConnection> {
    let asked = read(request).await?;
    let (service, operation) = operation(&asked);
    let behaviour = {
        let mut state = lock(&state);
        let call = Call { service, operation, headers: asked.headers.clone(), bytes: asked.body.len() };
        state.calls.push(call);
        let number = state.counts.entry(operation).or_default();
        *number += 1;
        let number = *number - 1;
        state.scripts.get(&service).map_or(Behaviour::Accept, |script| script(operation, number))
    };
    let reply = match &behaviour {
        Behaviour::Refuse(status, code) => error(service, *status, code),
        _ => answer(&mut lock(&state), service, operation, &asked, &behaviour),
    };
    match behaviour {
        Behaviour::AcceptAndDrop => return Err(DropConnection),
        Behaviour::AcceptAfter(time) => tokio::time::sleep(time).await,
        _ => {}
    }
    let mut response = Response::builder()
        .status(StatusCode::from_u16(reply.status).expect("a status"))
        .header("content-type", reply.content_type)
        .header("x-amzn-requestid", "00000000-aaaa-bbbb-cccc-000000000000");
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::from(reply.body)).expect("headers of plain letters"))
}

async fn read(request: Request<Incoming>) -> Result<Asked, DropConnection> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| DropConnection)?.to_bytes();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    Ok(Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: query.into_owned().collect(),
        headers,
        body,
    })
}

fn operation(asked: &Asked) -> (Service, &'static str) {
    match asked.header("x-amz-target") {
        "AmazonSQS.SendMessageBatch" => return (Service::Sqs, "SendMessageBatch"),
        "AmazonSQS.ReceiveMessage" => return (Service::Sqs, "ReceiveMessage"),
        "AmazonSQS.DeleteMessageBatch" => return (Service::Sqs, "DeleteMessageBatch"),
        "AmazonSQS.ChangeMessageVisibility" => return (Service::Sqs, "ChangeMessageVisibility"),
        "AWSEvents.PutEvents" => return (Service::EventBridge, "PutEvents"),
        "secretsmanager.GetSecretValue" => return (Service::Secrets, "GetSecretValue"),
        "AmazonSSM.GetParameter" => return (Service::Parameters, "GetParameter"),
        _ => {}
    }
    if asked.header("content-type").starts_with("application/x-www-form-urlencoded") {
        return (Service::Sns, "Publish");
    }
    (Service::S3, s3::operation(asked))
}

fn answer(state: &mut State, service: Service, operation: &'static str, asked: &Asked, behaviour: &Behaviour) -> Reply {
    let entries: &[(usize, &'static str, bool)] = match behaviour {
        Behaviour::Entries(entries) => entries,
        _ => &[],
    };
    match service {
        Service::Sqs => sqs::answer(state, operation, asked, entries),
        Service::EventBridge => eventbridge::put_events(state, asked, entries),
        Service::Secrets => secrets::get_secret_value(state, asked),
        Service::Parameters => secrets::get_parameter(state, asked),
        Service::Sns => sns::publish(state, asked),
        Service::S3 => s3::answer(state, operation, asked),
    }
}

/// An error in the service's own form. Its message names a person and a password: no log may repeat it.
pub(super) fn error(service: Service, status: u16, code: &str) -> Reply {
    let message = "ada@example.org may not, with hunter2";
    let (content_type, body) = match service {
        Service::Sqs => {
            ("application/x-amz-json-1.0", format!(r#"{{"__type":"com.amazonaws.sqs#{code}","message":"{message}"}}"#))
        }
        Service::EventBridge | Service::Secrets | Service::Parameters => {
            ("application/x-amz-json-1.1", format!(r#"{{"__type":"{code}","Message":"{message}"}}"#))
        }
        Service::Sns => (
            "text/xml",
            format!(
                "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>\
                 <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
            ),
        ),
        Service::S3 => (
            "application/xml",
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message>\
                 <RequestId>r</RequestId><HostId>h</HostId></Error>"
            ),
        ),
    };
    Reply { status, content_type, headers: Vec::new(), body }
}
