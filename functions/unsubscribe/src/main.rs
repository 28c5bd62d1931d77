//! Wires the door to Lambda.

use lambda_runtime::Error;
use shared::{clock::Clock, lambda::Function};
use unsubscribe::{Door, JOB, http::Request};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (function, started) = Function::start(JOB).await?;
    let door = Door::new(started.records, Clock::system()).await?;
    let answer = async |event, _| Ok(door.answer(&Request::from_event(event)?).await.to_event());
    function.serve(answer).await
}
