// What a chat needs of the API. It is generated apart from the whole client, with
// nothing of configuration, desk and administration in it, so that the widget stays small.
export { ChatService } from "../../../gen/widget/handoff/v1/chat_service_pb.js";
export { type Event, ParticipantChanged_Change, type Signal, type StateChanged } from "../../../gen/widget/handoff/v1/event_pb.js";
export { HandoffService } from "../../../gen/widget/handoff/v1/handoff_service_pb.js";
export {
  type Attachment,
  Attachment_Status,
  Author,
  CloseReason,
  type Declined,
  DeclineReason,
  type Message,
  MessageStatus,
  SessionState,
} from "../../../gen/widget/handoff/v1/session_pb.js";
export { delayAfter, isPermanent, resumeEvents } from "@human-handoff/client";
