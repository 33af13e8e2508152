import { useState } from "react";
import {
  Autocomplete, Button, Form, Input, Label, Menu, MenuItem, SearchField, TextArea, TextField, useFilter,
} from "react-aria-components";
import { randomId } from "../../shared/random.js";
import { type CannedReply, fill } from "../state/canned.js";
import type { Conversation } from "../state/conversation.js";
import { nameOf } from "../text/words.js";
import { useChanges, useDesk, useTexts } from "./context.js";
import { Sheet } from "./dialogs.js";
import { focusPane } from "./focus.js";

/** Finds a canned reply and puts it into what is being written, or changes the list of them. */
export function CannedDialog({ pane, onClose }: { readonly pane: Conversation; readonly onClose: () => void }) {
  const t = useTexts();
  const { canned } = useDesk();
  useChanges(canned);
  const [managing, setManaging] = useState(canned.all.length === 0);
  return (
    <Sheet title={t.canned.title} onClose={onClose}>
      {managing ? <Manage onDone={onClose} /> : <Pick pane={pane} onClose={onClose} />}
      {!managing && <Button className="quiet" onPress={() => setManaging(true)}>{t.canned.manage}</Button>}
    </Sheet>
  );
}

function Pick({ pane, onClose }: { readonly pane: Conversation; readonly onClose: () => void }) {
  const t = useTexts();
  const { canned, desk } = useDesk();
  const { contains } = useFilter({ sensitivity: "base" });
  const choose = (reply: CannedReply) => {
    const text = fill(reply.text, { customer: nameOf(t, pane.entry), human: desk.who.human });
    pane.write(pane.draft === "" ? text : `${pane.draft} ${text}`);
    onClose();
    focusPane(pane.id, "text");
  };
  return (
    <Autocomplete filter={contains}>
      <SearchField autoFocus>
        <Label>{t.canned.search}</Label>
        <Input />
      </SearchField>
      <Menu
        className="canned"
        aria-label={t.canned.use}
        items={canned.all}
        renderEmptyState={() => <p className="hint">{t.canned.noMatch}</p>}
      >
        {(reply) => (
          <MenuItem textValue={`${reply.title} ${reply.text}`} onAction={() => choose(reply)}>
            <span className="title">{reply.title}</span>
            <span className="words">{reply.text}</span>
          </MenuItem>
        )}
      </Menu>
    </Autocomplete>
  );
}

function Manage({ onDone }: { readonly onDone: () => void }) {
  const t = useTexts();
  const { canned } = useDesk();
  const [edited, setEdited] = useState<CannedReply>({ id: "", title: "", text: "" });
  const save = () => {
    const [title, text] = [edited.title.trim(), edited.text.trim()];
    if (title === "" || text === "") return;
    canned.save({ id: edited.id || randomId(), title, text });
    setEdited({ id: "", title: "", text: "" });
  };
  return (
    <>
      <p className="hint">{canned.all.length === 0 ? t.canned.empty : t.canned.kept}</p>
      <ul className="manage">
        {canned.all.map((reply) => (
          <li key={reply.id}>
            <span>{reply.title}</span>
            <Button className="quiet small" onPress={() => setEdited(reply)}>{t.canned.edit(reply.title)}</Button>
            <Button className="quiet small" onPress={() => canned.remove(reply.id)}>{t.canned.remove(reply.title)}</Button>
          </li>
        ))}
      </ul>
      <Form onSubmit={(event) => { event.preventDefault(); save(); }}>
        <TextField name="title" isRequired maxLength={120} value={edited.title} onChange={(title) => setEdited({ ...edited, title })} autoFocus>
          <Label>{t.canned.name}</Label>
          <Input autoComplete="off" />
        </TextField>
        <TextField name="canned" isRequired maxLength={4_000} value={edited.text} onChange={(text) => setEdited({ ...edited, text })}>
          <Label>{t.canned.text}</Label>
          <TextArea rows={4} />
        </TextField>
        <div className="actions">
          <Button type="submit">{edited.id === "" ? t.canned.add : t.canned.save}</Button>
          <Button className="quiet" onPress={onDone}>{t.canned.done}</Button>
        </div>
      </Form>
    </>
  );
}
