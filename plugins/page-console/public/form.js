import { useEffect, useRef, useState } from "preact/hooks";
import { html, Icon } from "./ui.js";

/**
 * @typedef {Record<string, any>} Value
 * @typedef {{ type?: string, title?: string, description?: string, const?: unknown, default?: unknown, writeOnly?: boolean,
 *   contentMediaType?: string, enum?: string[], anyOf?: Schema[], oneOf?: Schema[], properties?: Record<string, Schema>, required?: string[] }} Schema JSON Schema, as far as forms need it
 * @typedef {(props: { id: string, name: string, schema: Schema, value: any, describedBy: string | undefined, isRequired: boolean, isStored: boolean, onChange: (value: any) => void }) => unknown} Control
 */

/** `accessKey` in the words of people. @param {string} name */
const titleOf = (name) => {
  const words = name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/**
 * The controls of an object by its schema.
 * @param {{ id: string, schema: Schema, value: Value, isStored?: boolean, controls?: Record<string, Control>, onChange: (value: Value) => void }} props
 *   `isStored`: its secrets are known to the server
 */
export function Fields({ id, schema, value, isStored = false, controls = {}, onChange }) {
  const entries = Object.entries(schema.properties ?? {}).filter(([, field]) => field.const === undefined);
  return entries.map(([name, field]) => {
    const title = field.title ?? titleOf(name);
    const { description } = field;
    const at = `${id}-${name}`;
    const isRequired = schema.required?.includes(name) ?? false;
    const Own = controls[name] ?? controlOf(field);
    const isBoolean = field.type === "boolean";
    const control = html`<${Own} id=${at} name=${name} schema=${field} value=${value[name] ?? field.default} isRequired=${isRequired} isStored=${isStored}
      describedBy=${description ? `${at}-help` : undefined} onChange=${(/** @type {unknown} */ next) => onChange({ ...value, [name]: next })} />`;
    const help =
      description &&
      html`<p class=${`soft small ${isBoolean ? "indent" : ""}`} id=${`${at}-help`}>${description}</p>`;
    return isBoolean
      ? html`<div class="field check" key=${name}><label>${control}${title}</label>${help}</div>`
      : html`<div class="field" key=${name}><label for=${at} id=${`${at}-label`}>${title}${isRequired || field.writeOnly ? "" : html` <span class="soft">optional</span>`}</label>${control}${help}</div>`;
  });
}

/** @param {Schema} schema @returns {Control} */
function controlOf({ type, anyOf, oneOf, enum: choices, writeOnly, contentMediaType }) {
  if (anyOf || oneOf) return Variants;
  if (type === "boolean") return Check;
  if (choices) return Choice;
  if (contentMediaType) return Lines;
  return writeOnly ? Secret : Text;
}

/** @type {Control} */
const Check = ({ id, value, describedBy, onChange }) =>
  html`<input type="checkbox" id=${id} checked=${value === true} aria-describedby=${describedBy} onChange=${(/** @type {any} */ event) => onChange(event.target.checked)} />`;

/** @type {Control} */
const Text = ({ id, value, describedBy, isRequired, onChange }) =>
  html`<input type="text" id=${id} value=${value ?? ""} required=${isRequired} spellcheck=${false} autocomplete="off" autocapitalize="off" aria-describedby=${describedBy}
    onInput=${(/** @type {any} */ event) => onChange(event.target.value)} />`;

const kept = "Stored. Leave it empty to keep it.";

/** What browsers must not fill in: the key of the console is no secret of an origin. @type {Control} */
const Secret = ({ id, value, isStored, onChange }) =>
  html`<input type="password" id=${id} value=${value ?? ""} placeholder=${isStored ? kept : ""} spellcheck=${false} autocomplete="new-password"
    onInput=${(/** @type {any} */ event) => onChange(event.target.value || undefined)} />`;

/** @type {Control} */
const Lines = ({ id, value, isStored, onChange }) =>
  html`<textarea id=${id} rows="4" value=${value ?? ""} placeholder=${isStored ? kept : ""} spellcheck=${false} autocomplete="off"
    onInput=${(/** @type {any} */ event) => onChange(event.target.value || undefined)}></textarea>`;

/** @type {Control} */
const Choice = ({ id, schema, value, describedBy, isRequired, onChange }) =>
  html`<select id=${id} aria-describedby=${describedBy} value=${value ?? ""} onChange=${(/** @type {any} */ event) => onChange(event.target.value || undefined)}>
    ${!isRequired && html`<option value="">none</option>`}
    ${schema.enum?.map((one) => html`<option value=${one} key=${one}>${one}</option>`)}
  </select>`;

/** An object of one of several types. @type {Control} */
const Variants = ({ id, schema, value, onChange }) => {
  const variants = schema.anyOf ?? schema.oneOf ?? [];
  const typeOf = (/** @type {Schema} */ one) => String(one.properties?.type?.const);
  const chosen = variants.find((one) => typeOf(one) === value?.type);
  return html`<select id=${id} value=${value?.type ?? ""} onChange=${(/** @type {any} */ event) => onChange(event.target.value ? { type: event.target.value } : undefined)}>
      <option value="">none</option>
      ${variants.map((one) => html`<option value=${typeOf(one)} key=${typeOf(one)}>${typeOf(one)}</option>`)}
    </select>
    ${chosen && html`<${Fields} id=${id} schema=${chosen} value=${value} onChange=${onChange} />`}`;
};

/**
 * An ordered choice: entries are moved by pointer, by buttons and by arrow keys.
 * @param {{ id: string, value: readonly string[], all: readonly (readonly [id: string, title: string])[], onChange: (value: string[]) => void }} props
 */
export function Ordered({ id, value, all, onChange }) {
  const [dragged, setDragged] = useState(/** @type {string | undefined} */ (undefined));
  const [message, setMessage] = useState("");
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const titleOf = (/** @type {string} */ one) => all.find(([name]) => name === one)?.[1] ?? one;
  const rest = all.filter(([name]) => !value.includes(name));

  // An entry that was moved by a key keeps the focus, whichever nodes change their places.
  const moved = useRef("");
  useEffect(() => {
    if (moved.current === "") return;
    const entry = list.current?.children[value.indexOf(moved.current)];
    /** @type {HTMLElement | null | undefined} */ (entry?.querySelector(".grip"))?.focus();
    moved.current = "";
  }, [value]);
  const latest = useRef(value);
  latest.current = value;
  const move = (/** @type {string} */ one, /** @type {number} */ to) => {
    if (to < 0 || to >= value.length) return;
    const others = latest.current.filter((other) => other !== one);
    onChange([...others.slice(0, to), one, ...others.slice(to)]);
    setMessage(`${titleOf(one)} is number ${to + 1} of ${value.length}.`);
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event, /** @type {string} */ one) => {
    const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    if (by === 0) return;
    event.preventDefault();
    move(one, value.indexOf(one) + by);
    moved.current = one;
  };
  // Entries change their places while one is dragged: the window follows the pointer.
  const drag = (/** @type {PointerEvent} */ event, /** @type {string} */ one) => {
    if (event.button !== 0) return;
    setDragged(one);
    const end = new AbortController();
    const follow = (/** @type {PointerEvent} */ { clientY }) => {
      const to = [...(list.current?.children ?? [])].findIndex((entry) => {
        const { top, bottom } = entry.getBoundingClientRect();
        return clientY >= top && clientY <= bottom;
      });
      if (to !== -1 && to !== latest.current.indexOf(one)) move(one, to);
    };
    const stop = () => {
      end.abort();
      setDragged(undefined);
    };
    addEventListener("pointermove", follow, end);
    addEventListener("pointerup", stop, end);
    addEventListener("pointercancel", stop, end);
  };
  return html`<div class="ordered">
    <ol ref=${list} aria-labelledby=${`${id}-label`}>
      ${value.map(
        (one, at) => html`<li key=${one} class=${`ordered-entry ${dragged === one ? "dragged" : ""}`}>
          <button type="button" class="quiet grip" aria-label=${`Move ${titleOf(one)}: arrow keys`} onKeyDown=${(/** @type {KeyboardEvent} */ event) => onKeyDown(event, one)}
            onPointerDown=${(/** @type {PointerEvent} */ event) => drag(event, one)}><${Icon} name="grip" /></button>
          <span class="ordered-name">${titleOf(one)}</span>
          <button type="button" class="quiet" disabled=${at === 0} aria-label=${`Move ${titleOf(one)} up`} onClick=${() => move(one, at - 1)}><${Icon} name="up" /></button>
          <button type="button" class="quiet" disabled=${at === value.length - 1} aria-label=${`Move ${titleOf(one)} down`} onClick=${() => move(one, at + 1)}><${Icon} name="down" /></button>
          <button type="button" class="quiet" aria-label=${`Remove ${titleOf(one)}`} onClick=${() => onChange(value.filter((other) => other !== one))}><${Icon} name="cross" /></button>
        </li>`,
      )}
    </ol>
    <select id=${id} value="" disabled=${rest.length === 0} onChange=${(/** @type {any} */ event) => event.target.value && onChange([...value, event.target.value])}>
      <option value="">${rest.length === 0 ? "All are chosen" : "Add …"}</option>
      ${rest.map(([name, title]) => html`<option value=${name} key=${name}>${title}</option>`)}
    </select>
    <p class="unseen" role="status">${message}</p>
  </div>`;
}
