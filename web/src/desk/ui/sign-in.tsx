import { useState } from "react";
import { Button, Form, Input, Label, TextField } from "react-aria-components";
import { useTexts } from "./context.js";

/** Asks who answers, and for the key where there is none. */
export function SignIn(props: {
  readonly human: string;
  readonly needsKey: boolean;
  readonly problem: string;
  readonly onEnter: (human: string, key: string) => void;
}) {
  const t = useTexts();
  const [human, setHuman] = useState(props.human);
  const [key, setKey] = useState("");
  return (
    <Form className="card" aria-labelledby="signin-title" onSubmit={(event) => { event.preventDefault(); props.onEnter(human.trim(), key.trim()); }}>
      <h2 id="signin-title">{t.signIn.title}</h2>
      {props.problem !== "" && <p className="problem" role="alert">{props.problem}</p>}
      <TextField name="human" isRequired value={human} onChange={setHuman} maxLength={120} autoFocus={props.human === ""}>
        <Label>{t.signIn.human}</Label>
        <Input autoComplete="nickname" />
      </TextField>
      {props.needsKey && (
        <TextField name="key" type="password" isRequired value={key} onChange={setKey} autoFocus={props.human !== ""}>
          <Label>{t.signIn.key}</Label>
          <Input autoComplete="off" spellCheck="false" />
        </TextField>
      )}
      <div className="actions"><Button type="submit">{t.signIn.open}</Button></div>
    </Form>
  );
}
