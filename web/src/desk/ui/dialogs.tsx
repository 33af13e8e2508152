import { type ReactNode, useState } from "react";
import {
  Button, ComboBox, Dialog, Form, Heading, Input, Label, ListBox, ListBoxItem, Modal, ModalOverlay, Popover, Select,
  SelectValue, TextArea, TextField,
} from "react-aria-components";
import type { Conversation } from "../state/conversation.js";
import { useDesk, useTexts } from "./context.js";
import { focusPane } from "./focus.js";

/** A dialog over the page. Escape and a click beside it leave it. */
export function Sheet({ title, onClose, children }: { readonly title: string; readonly onClose: () => void; readonly children: ReactNode }) {
  return (
    <ModalOverlay className="shade" isOpen isDismissable onOpenChange={(open) => !open && onClose()}>
      <Modal className="sheet">
        <Dialog>
          <Heading slot="title">{title}</Heading>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

/** A choice of one out of a list. */
export function Choice<T extends string>(props: {
  readonly label: string;
  readonly value: T;
  readonly options: readonly (readonly [T, string])[];
  readonly onChoose: (value: T) => void;
}) {
  return (
    <Select value={props.value} onChange={(value) => props.onChoose(String(value) as T)}>
      <Label>{props.label}</Label>
      <Button className="quiet choice"><SelectValue /> <span aria-hidden="true">▾</span></Button>
      <Popover className="options">
        <ListBox>
          {props.options.map(([id, text]) => <ListBoxItem key={id} id={id}>{text}</ListBoxItem>)}
        </ListBox>
      </Popover>
    </Select>
  );
}

interface PaneDialog {
  readonly pane: Conversation;
  readonly onClose: () => void;
}

/** Asks who gets the conversation. */
export function TransferDialog({ pane, onClose }: PaneDialog) {
  const t = useTexts();
  const { desk } = useDesk();
  const [assignee, setAssignee] = useState("");
  const [note, setNote] = useState("");
  const send = () => {
    onClose();
    void desk.transfer(pane, assignee.trim(), note.trim()).then(() => focusPane(pane.id));
  };
  return (
    <Sheet title={t.transfer.title} onClose={onClose}>
      <Form onSubmit={(event) => { event.preventDefault(); send(); }}>
        <ComboBox
          allowsCustomValue
          autoFocus
          inputValue={assignee}
          onInputChange={setAssignee}
          defaultItems={desk.colleagues.map((name) => ({ id: name }))}
        >
          <Label>{t.transfer.colleague}</Label>
          <div className="combo">
            <Input maxLength={120} autoComplete="off" />
            <Button className="quiet" aria-label={t.transfer.show}>▾</Button>
          </div>
          <Popover className="options">
            <ListBox<{ id: string }> aria-label={t.transfer.names}>{({ id }) => <ListBoxItem>{id}</ListBoxItem>}</ListBox>
          </Popover>
        </ComboBox>
        <TextField name="note" value={note} onChange={setNote} maxLength={1_000}>
          <Label>{t.transfer.note}</Label>
          <TextArea rows={4} />
        </TextField>
        <div className="actions">
          <Button type="submit">{t.transfer.send}</Button>
          <Button className="quiet" onPress={onClose}>{t.cancel}</Button>
        </div>
      </Form>
    </Sheet>
  );
}

const dispositions = ["solved", "unsolved", "spam", "none"] as const;

/** Asks how the conversation ended. */
export function CloseDialog({ pane, onClose }: PaneDialog) {
  const t = useTexts();
  const { desk } = useDesk();
  const [disposition, setDisposition] = useState<(typeof dispositions)[number]>("solved");
  const [note, setNote] = useState("");
  const send = () => {
    onClose();
    void desk.close(pane, disposition === "none" ? "" : disposition, note.trim()).then(() => focusPane(pane.id));
  };
  return (
    <Sheet title={t.close.title} onClose={onClose}>
      <Form onSubmit={(event) => { event.preventDefault(); send(); }}>
        <Choice
          label={t.close.outcome}
          value={disposition}
          options={dispositions.map((id) => [id, t.disposition[id]] as const)}
          onChoose={setDisposition}
        />
        <TextField name="note" value={note} onChange={setNote} maxLength={1_000} autoFocus>
          <Label>{t.close.note}</Label>
          <TextArea rows={4} />
        </TextField>
        <div className="actions">
          <Button type="submit">{t.close.send}</Button>
          <Button className="quiet" onPress={onClose}>{t.cancel}</Button>
        </div>
      </Form>
    </Sheet>
  );
}
