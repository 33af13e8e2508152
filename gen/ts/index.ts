// The messages, enums and services of the API. Pass a service to `createClient`
// of @connectrpc/connect together with a transport.
export * from "./src/handoff/v1/admin_service_pb.js";
export * from "./src/handoff/v1/agent_pb.js";
export * from "./src/handoff/v1/chat_service_pb.js";
export * from "./src/handoff/v1/conversation_pb.js";
export * from "./src/handoff/v1/desk_service_pb.js";
export * from "./src/handoff/v1/event_pb.js";
export * from "./src/handoff/v1/event_webhook_pb.js";
export * from "./src/handoff/v1/handoff_service_pb.js";
export * from "./src/handoff/v1/key_service_pb.js";
export * from "./src/handoff/v1/provider_pb.js";
export * from "./src/handoff/v1/session_pb.js";
export * from "./src/handoff/v1/settings_pb.js";

// Streams that outlive their connections.
export * from "./resume.js";
