//! Secrets Manager and Parameter Store: `GetSecretValue` and `GetParameter` in AWS JSON 1.1.

use serde_json::{Value, json};

use super::{
    Service, State,
    server::{Asked, Reply, error},
};

pub(super) fn get_secret_value(state: &State, asked: &Asked) -> Reply {
    let call: Value = serde_json::from_slice(&asked.body).expect("JSON");
    let arn = call["SecretId"].as_str().unwrap_or_default();
    match state.secrets.get(arn) {
        Some(text) => {
            let reply = json!({"ARN": arn, "Name": "records", "SecretString": text, "VersionStages": ["AWSCURRENT"]});
            Reply::of("application/x-amz-json-1.1", reply.to_string())
        }
        None => error(Service::Secrets, 400, "ResourceNotFoundException"),
    }
}

pub(super) fn get_parameter(state: &State, asked: &Asked) -> Reply {
    let call: Value = serde_json::from_slice(&asked.body).expect("JSON");
    let arn = call["Name"].as_str().unwrap_or_default();
    match state.secrets.get(arn) {
        // Nobody who wants a secret wants it encrypted.
        Some(text) if call["WithDecryption"] == true => {
            let parameter = json!({"ARN": arn, "Name": "records", "Type": "SecureString", "Value": text, "Version": 1});
            Reply::of("application/x-amz-json-1.1", json!({ "Parameter": parameter }).to_string())
        }
        Some(_) => error(Service::Parameters, 400, "ValidationException"),
        None => error(Service::Parameters, 400, "ParameterNotFound"),
    }
}
