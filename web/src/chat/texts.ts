import { CloseReason } from "@human-handoff/client";

export const texts = {
  connecting: "Connecting…",
  waiting: "Waiting for somebody to join…",
  connected: "You are connected.",
  closed: "This chat has ended.",
  noAgent: "This link is incomplete: it does not say whom to reach.",
  notPublic: "This chat is not open to the public.",
  typing: "Somebody is typing…",
  file: "A file",
  slow: "Nobody has answered yet. Do you want to keep waiting?",
  lost: "This conversation cannot be read any more.",
};

const closeTexts: Partial<Record<CloseReason, string>> = {
  [CloseReason.CUSTOMER]: "You ended this chat.",
  [CloseReason.HUMAN]: "The chat was ended by the other side.",
  [CloseReason.OPERATOR]: "The chat was ended by an operator.",
  [CloseReason.WAIT_TIMEOUT]: "Sorry, nobody could join in time.",
  [CloseReason.SESSION_TIMEOUT]: "The chat ended because it was quiet for a while.",
  [CloseReason.PROVIDER_FAILED]: "Sorry, the other side cannot be reached.",
  [CloseReason.EXPIRED]: "The chat reached its longest time.",
};

/** Says to the customer why a chat ended. */
export function closeText(reason: CloseReason): string {
  return closeTexts[reason] ?? texts.closed;
}
