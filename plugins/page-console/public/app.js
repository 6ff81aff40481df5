import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { loadSession, session, signIn, signOut } from "./api.js";
import { Failures } from "./failures.js";
import { Inspect } from "./inspect.js";
import { Live } from "./live.js";
import { Purge } from "./purge.js";
import { address } from "./router.js";
import { Transformations } from "./transformations.js";
import { Heading, html, Icon, Problem } from "./ui.js";
import { Usage } from "./usage.js";

const PAGES = /** @type {const} */ ([
  { path: "inspect", title: "Inspect", icon: "search", page: Inspect },
  { path: "live", title: "Live", icon: "pulse", page: Live },
  { path: "failures", title: "Failures", icon: "alert", page: Failures },
  { path: "usage", title: "Usage", icon: "bars", page: Usage },
  { path: "purge", title: "Purge", icon: "broom", page: Purge },
  { path: "transformations", title: "Transformations", icon: "layers", page: Transformations },
]);

const current = () => {
  const name = address.value.pathname.replace(/^\/-\/console\/?/, "");
  return PAGES.find(({ path }) => path === name) ?? PAGES[0];
};

function App() {
  const known = session.value;
  const { page, path } = current();
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="top">
      <a class="brand" href="/-/console/inspect"><img src="/-/console/mark.svg" alt="" width="28" height="28" /><span>Mediatap</span></a>
      ${known?.isOpen && html`<${Nav} selected=${path} /><${Account} />`}
    </header>
    <main id="main" tabindex="-1">
      ${known === undefined ? failure && html`<${Problem} error=${failure} onRetry=${begin} />` : known.isOpen ? html`<${page} key=${path} />` : html`<${SignIn} />`}
    </main>
  `;
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** @param {{ selected: string }} props */
function Nav({ selected }) {
  const nav = useRef(/** @type {HTMLElement | null} */ (null));
  // On a phone not all of them fit.
  useEffect(() => {
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  }, [selected]);
  return html`<nav aria-label="Pages" ref=${nav}>
    ${PAGES.map(
      ({ path, title, icon }) =>
        html`<a class="tab" href=${`/-/console/${path}`} aria-current=${path === selected ? "page" : undefined}>
          <${Icon} name=${icon} /><span>${title}</span>
        </a>`,
    )}
  </nav>`;
}

function Account() {
  const { isSignedIn, isOperator, endpoints = [] } = session.value ?? {};
  const tenants = [...new Set(endpoints.map(({ tenant }) => tenant))].filter(Boolean);
  const name = isOperator
    ? "All endpoints"
    : tenants.length === 1
      ? tenants[0]
      : endpoints.map((one) => one.name).join(", ");
  return html`<div class="account">
    <span title=${isSignedIn ? "What the key is good for" : "Nobody signs in on this machine"}>${isSignedIn ? name : "This machine"}</span>
    ${isSignedIn && html`<button type="button" class="quiet" onClick=${signOut}>Sign out</button>`}
  </div>`;
}

function SignIn() {
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [state, setState] = useState(/** @type {{ isBusy?: boolean, error?: string }} */ ({}));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const key = field.current?.value.trim() ?? "";
    if (key === "") {
      setState({ error: "Enter a private key." });
      return field.current?.focus();
    }
    setState({ isBusy: true });
    try {
      await signIn(key);
    } catch (error) {
      const { status, message } = /** @type {import("./api.js").CallError} */ (error);
      setState({ error: status === 401 ? "No account has this key." : message });
      field.current?.select();
    }
  };
  return html`<form class="sign-in" onSubmit=${submit} noValidate>
    <${Heading} title="Console" />
    <p>Sign in with a private key of the configuration. You see what the key is good for.</p>
    <label for="key">Private key</label>
    <input
      id="key"
      ref=${field}
      type="password"
      autocomplete="current-password"
      autofocus
      spellcheck=${false}
      aria-invalid=${state.error ? "true" : undefined}
      aria-describedby="key-error"
    />
    <p id="key-error" class="bad" role="alert">${state.error ?? ""}</p>
    <button type="submit" class="main" disabled=${state.isBusy}>${state.isBusy ? "Signing in …" : "Sign in"}</button>
    <p class="soft small">The key is <code>privateKey</code> in the configuration, of the server, an account or an endpoint. It is sent once;
      the browser keeps a cookie that ends after 12 hours, or with the key.</p>
  </form>`;
}

/** @type {Error | undefined} */
let failure;
const root = /** @type {HTMLElement} */ (document.getElementById("app"));

async function begin() {
  failure = undefined;
  try {
    await loadSession();
  } catch (error) {
    failure = /** @type {Error} */ (error);
    draw();
  }
}

function draw() {
  root.replaceChildren();
  render(html`<${App} />`, root);
}

draw();
begin();
