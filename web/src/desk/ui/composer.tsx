import { type ClipboardEvent, type KeyboardEvent, useEffect, useRef } from "react";
import { Button, FileTrigger, Form, TextArea, TextField } from "react-aria-components";
import { tellTyping } from "../../shared/typing.js";
import type { Conversation } from "../state/conversation.js";
import { useDesk, useTexts } from "./context.js";

/** Where the human writes. Enter sends; "/" in an empty reply opens the canned ones. */
export function Composer({ pane }: { readonly pane: Conversation }) {
  const t = useTexts();
  const { desk, show } = useDesk();
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    if (field.current) tellTyping(field.current, (active) => pane.typing(active));
  }, [pane]);
  const keyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      field.current?.form?.requestSubmit();
    } else if (event.key === "/" && pane.draft === "") {
      event.preventDefault();
      desk.activate(pane);
      show("canned");
    }
  };
  const paste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files];
    if (files.length === 0) return;
    event.preventDefault();
    pane.stage(files);
  };
  return (
    <Form className="composer" onSubmit={(event) => { event.preventDefault(); pane.send(); }}>
      <Staged pane={pane} />
      <TextField name="text" aria-label={t.composer.label} value={pane.draft} onChange={(text) => pane.write(text)} maxLength={16_000}>
        <TextArea ref={field} rows={2} placeholder={t.composer.label} autoComplete="off" onKeyDown={keyDown} onPaste={paste} />
      </TextField>
      <div className="actions">
        <FileTrigger allowsMultiple onSelect={(files) => pane.stage([...(files ?? [])])}>
          <Button className="quiet">{t.composer.attach}</Button>
        </FileTrigger>
        <Button className="quiet" onPress={() => { desk.activate(pane); show("canned"); }}>{t.composer.canned}</Button>
        <Button type="submit" className="send">{t.composer.send}</Button>
      </div>
    </Form>
  );
}

function Staged({ pane }: { readonly pane: Conversation }) {
  const t = useTexts();
  if (pane.staged.length === 0) return null;
  return (
    <ul className="staged" aria-label={t.composer.staged}>
      {pane.staged.map((file, place) => (
        <li key={`${place} ${file.name}`}>
          <span>{file.name}</span>
          <Button className="quiet small" aria-label={t.composer.remove(file.name)} onPress={() => pane.unstage(file)}>×</Button>
        </li>
      ))}
    </ul>
  );
}
