import { type Attachment, Attachment_Status, CloseReason, MessageStatus } from "@human-handoff/client";
import { useLayoutEffect, useRef } from "react";
import { Button } from "react-aria-components";
import { ownPath, pictures } from "../../shared/files.js";
import { clock } from "../../shared/format.js";
import type { Conversation } from "../state/conversation.js";
import type { Item, Remark, Said } from "../state/transcript.js";
import type { Texts } from "../text/en.js";
import { dispositionText, explain, nameOf, size, statusText } from "../text/words.js";
import { useTexts } from "./context.js";

/** How near to its end a log counts as being at it, in pixels. */
const nearEnd = 80;

/** The log of a conversation. It stays at its end unless somebody has scrolled up. */
export function MessageList({ pane }: { readonly pane: Conversation }) {
  const t = useTexts();
  const frame = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const { items } = pane.transcript;
  useLayoutEffect(() => {
    if (atEnd.current && frame.current) frame.current.scrollTop = frame.current.scrollHeight;
  }, [items.length, pane.customerTypes]);
  const scrolled = () => {
    const log = frame.current;
    if (log) atEnd.current = log.scrollHeight - log.scrollTop - log.clientHeight < nearEnd;
  };
  return (
    <div className="log" role="log" aria-label={t.conversation.log} aria-relevant="additions" tabIndex={0} ref={frame} onScroll={scrolled}>
      <ol>
        {items.map((item) => <Entry key={item.key} item={item} pane={pane} />)}
      </ol>
    </div>
  );
}

function Entry({ item, pane }: { readonly item: Item; readonly pane: Conversation }) {
  const t = useTexts();
  if (item.kind === "remark") return <li className="note">{remarkText(t, item.remark)}</li>;
  const customer = item.by === "customer";
  const logged = item.time !== undefined;
  const author = customer ? nameOf(t, pane.entry) : item.author || (logged ? t.conversation.human : t.conversation.you);
  const failed = item.status === MessageStatus.FAILED;
  const detail = item.refusal ? explain(t, item.refusal) : item.detail;
  return (
    <li className={`${customer ? "theirs" : "mine"}${failed ? " failed" : ""}`}>
      <p className="meta">
        <span className="author">{author}</span> <time>{clock(item.time)}</time>
      </p>
      <p className="text">{item.text}</p>
      {item.files.map((file) => <FileItem key={file.id} file={file} />)}
      {item.fileNames.map((name, place) => <p className="file" key={place}>{name}</p>)}
      {!customer && <p className="status">{statusText(t, item.status, detail)}</p>}
      {item.refusal && <Refused item={item} pane={pane} />}
    </li>
  );
}

function Refused({ item, pane }: { readonly item: Said; readonly pane: Conversation }) {
  const t = useTexts();
  return (
    <div className="actions">
      {!pane.closed && <Button className="quiet small" onPress={() => pane.again(item.key)}>{t.again}</Button>}
      <Button className="quiet small" onPress={() => pane.discard(item.key)}>{t.discard}</Button>
    </div>
  );
}

/** A file of a message: pictures are shown, all else is saved. */
function FileItem({ file }: { readonly file: Attachment }) {
  const t = useTexts();
  const about = file.size > 0n ? t.file.about(file.name, size(t, file.size)) : file.name;
  if (file.status !== Attachment_Status.READY) {
    return <p className="file">{file.status === Attachment_Status.FAILED ? t.file.failed(about) : t.file.coming(about)}</p>;
  }
  const address = ownPath(file.url);
  if (!pictures.has(file.mimeType)) {
    return <p className="file"><a href={address} rel="noreferrer" download={file.name}>{about}</a></p>;
  }
  return (
    <p className="file">
      <a href={address} rel="noreferrer" target="_blank"><img src={address} alt={file.name} loading="lazy" /></a>
    </p>
  );
}

function remarkText(t: Texts, remark: Remark): string {
  switch (remark.case) {
    case "joined":
      return t.remark.joined(remark.name || t.conversation.somebody);
    case "left":
      return t.remark.left(remark.name || t.conversation.somebody);
    case "prompted":
      return t.remark.prompted;
    case "system":
      return remark.text;
    case "closed":
      return t.closed[CloseReason[remark.reason] as keyof Texts["closed"]] ?? t.closed.UNSPECIFIED;
    case "outcome":
      return t.remark.outcome(dispositionText(t, remark.disposition));
    case "note":
      return t.remark.note(remark.text);
  }
}
