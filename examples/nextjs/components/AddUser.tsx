'use client';

import { useId, useRef, useState, type SubmitEvent } from 'react';
import { addUser, troubleOf, type Fields, type Trouble, type User } from '@/lib/api';

type Props = {
  /** Somebody was added. */
  added: (user: User) => void;
  /** It could not be done now. */
  failed: (trouble: Trouble) => void;
};

const SORRY = 'It could not be saved just now, and what you typed is still here. Try again in a moment.';

export function AddUser({ added, failed }: Props) {
  const form = useRef<HTMLFormElement>(null);
  const [fields, setFields] = useState<Fields>({});
  const [message, setMessage] = useState<{ text: string; good: boolean } | null>(null);
  const [saving, setSaving] = useState(false);

  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    if (saving) return;
    setSaving(true);
    setFields({});
    setMessage(null);
    const data = new FormData(event.currentTarget);
    try {
      const result = await addUser(String(data.get('name')), String(data.get('email')));
      if ('fields' in result) {
        setFields(result.fields);
        if (result.fields.body) setMessage({ text: `What you typed ${result.fields.body}.`, good: false });
        const first = result.fields.name ? 'name' : 'email';
        form.current?.querySelector<HTMLInputElement>(`#${first}`)?.focus();
      } else {
        form.current?.reset();
        setMessage({ text: `${result.name} is user ${result.id}.`, good: true });
        added(result);
        form.current?.querySelector<HTMLInputElement>('#name')?.focus();
      }
    } catch (error) {
      setMessage({ text: SORRY, good: false });
      failed(troubleOf(error));
    } finally {
      setSaving(false);
    }
  }

  return (
    <form id="add" ref={form} onSubmit={submit} noValidate aria-labelledby="add-title" className="card">
      <h2 id="add-title">Add a user</h2>
      <Field name="name" label="Name" autoComplete="name" wrong={fields.name} />
      <Field name="email" label="Email" autoComplete="email" type="email" wrong={fields.email} />
      <button className="primary wide" aria-disabled={saving}>
        {saving ? 'Saving …' : 'Add'}
      </button>
      <p id="added" role="status" className={message?.good ? 'good' : 'wrong'}>
        {message?.text}
      </p>
    </form>
  );
}

type FieldProps = { name: 'name' | 'email'; label: string; autoComplete: string; type?: string; wrong?: string };

function Field({ name, label, wrong, ...input }: FieldProps) {
  const explanation = useId();
  return (
    <div className="field">
      <label htmlFor={name}>{label}</label>
      <input id={name} name={name} aria-invalid={Boolean(wrong)} aria-describedby={wrong ? explanation : undefined} {...input} />
      {wrong && (
        <p id={explanation} className="wrong" data-field={name}>
          {label} {wrong}.
        </p>
      )}
    </div>
  );
}
