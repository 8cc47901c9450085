//! Custom losses as graphs of calls, which the server computes.

use serde_json::{Map, Value};

use super::{CustomLossNodeOp, MessageType};

record! {
    /// A parameter of a custom loss.
    #[derive(Debug)]
    pub struct CustomLossInput {
        /// Its name.
        pub name: String,
        /// How many dimensions it has: 0, 1 or 2.
        pub rank: u32,
    }

    /// A step of a custom loss.
    ///
    /// In its arguments a reference is `{"ref": name}`, and what JSON has no form for is an object
    /// with one member, such as `{"tuple": […]}` or `{"float": "inf"}`.
    #[derive(Debug)]
    pub struct CustomLossNode {
        /// What it does.
        pub op: CustomLossNodeOp,
        /// Its name, which others refer to it by.
        pub name: String,
        /// What is called or read.
        pub target: String,
        /// Arguments by place.
        #[default(Vec::<Value>::new())]
        pub args: Vec<Value>,
        /// Arguments by name.
        #[default(Map::new())]
        pub kwargs: Map<String, Value>,
    }

    /// A custom loss.
    #[derive(Debug)]
    pub struct CustomLossGraph {
        /// The version of the format.
        #[default(1_u32)]
        pub format: u32,
        /// Its steps, in order.
        pub nodes: Vec<CustomLossNode>,
    }

    /// Registers a custom loss with a session.
    #[derive(Debug)]
    pub struct CreateCustomLossRequest {
        /// The session.
        pub session_id: String,
        /// The place of the loss among those of the session, from 0.
        pub custom_loss_seq_id: u64,
        /// A name for people.
        pub name: String,
        /// Its parameters.
        pub inputs: Vec<CustomLossInput>,
        /// Its steps.
        pub graph: CustomLossGraph,
        /// Which kind of message it is.
        #[default(MessageType::CreateCustomLoss)]
        pub kind: MessageType = "type",
    }

    /// The custom loss that was registered.
    #[derive(Debug)]
    pub struct CreateCustomLossResponse {
        /// Its identifier.
        pub loss_id: String,
        /// Which kind of message it is.
        #[default(MessageType::CreateCustomLoss)]
        pub kind: MessageType = "type",
    }
}
