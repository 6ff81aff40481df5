import { useState } from "preact/hooks";
import { call, loadSession } from "./api.js";
import { canChange } from "./locked.js";
import { Diff, loadObjects, Unchangeable } from "./staged.js";
import { Empty, Heading, html, Pill, Problem, useLoaded } from "./ui.js";
import { ago } from "./words.js";

export function Revisions() {
  const { data, error, reload } = useLoaded(async () => (await call("/api/v1/state/revisions")).revisions, {
    interval: 10_000,
  });
  const revisions = /** @type {any[]} */ (data ?? []);
  return html`
    <${Heading} title="Revisions"><p class="lead">Each change of origins, endpoints and transformations, and the way back.</p><//>
    ${error && !data && html`<${Unchangeable} error=${error} reload=${reload} />`}
    ${data && revisions.length === 0 && html`<${Empty} title="No changes yet"><p>Changes that are made at run time are listed here. The configuration file stays as it is.</p><//>`}
    ${
      revisions.length > 0 &&
      html`<ol class="card rows" reversed aria-label="Revisions">
        ${revisions.map((revision, at) => html`<${Row} key=${revision.number} revision=${revision} isNewest=${at === 0} onDone=${reload} />`)}
      </ol>`
    }
  `;
}

/** @param {{ revision: any, isNewest: boolean, onDone: () => void }} props */
function Row({ revision: { number, time, author, comment, changes }, isNewest, onDone }) {
  const [state, setState] = useState(
    /** @type {{ isAsked?: boolean, isBusy?: boolean, error?: Error }} */ ({}),
  );
  const rollBack = async (/** @type {number} */ to) => {
    setState({ isBusy: true });
    try {
      await call("/api/v1/state/rollback", { method: "POST", body: { revision: to } });
      await Promise.all([loadSession(), loadObjects()]);
      setState({});
      onDone();
    } catch (error) {
      setState({ error: /** @type {Error} */ (error) });
    }
  };
  // The newest one is undone; an older one is made the newest again.
  const target = isNewest ? number - 1 : number;
  const text = isNewest ? "Undo" : "Roll back to this";
  return html`<li class="object revision">
    <div class="object-what">
      <h2>${comment || `revision ${number}`} ${isNewest && html`<${Pill} tone="good">active<//>`}</h2>
      <p class="soft">Revision ${number}, <time datetime=${new Date(time).toISOString()} title=${new Date(time).toLocaleString()}>${ago(time)}</time>, ${author}</p>
    </div>
    <div class="object-actions">
      ${
        canChange.value &&
        (state.isAsked || state.isBusy
          ? html`<button type="button" class="main" disabled=${state.isBusy} onClick=${() => rollBack(target)}>${state.isBusy ? "Rolling back …" : "Confirm"}</button>
              <button type="button" class="quiet" onClick=${() => setState({})}>Cancel</button>`
          : html`<button type="button" class="outlined" aria-label=${`${text}: revision ${number}`} onClick=${() => setState({ isAsked: true })}>${text}</button>`)
      }
    </div>
    <div class="object-more"><${Diff} changes=${changes} />${state.error && html`<${Problem} error=${state.error} />`}</div>
  </li>`;
}
