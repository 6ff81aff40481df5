import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { isSigningIn, loadSession, session, signIn, signOut } from "./api.js";
import { GROUPS } from "./pages.js";
import { address } from "./router.js";
import { Empty, Heading, html, Icon, Problem } from "./ui.js";

const PAGES = GROUPS.flatMap(({ pages }) => pages);

/** `undefined`: there is no such page. */
const current = () => {
  const name = address.value.pathname.replace(/^\/-\/console\/?/, "");
  return name === "" ? PAGES[0] : PAGES.find(({ path }) => path === name);
};

function App() {
  const known = session.value;
  const page = current();
  const mustSignIn = known?.isOpen === false || (isSigningIn.value && !known?.isSignedIn);
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="top">
      <a class="brand" href="/-/console/inspect"><img src="/-/console/mark.svg" alt="" width="28" height="28" /><span>Mediatap</span></a>
      ${known?.isOpen && html`<${Nav} selected=${page?.path ?? ""} /><${Account} onSignIn=${() => (isSigningIn.value = true)} />`}
    </header>
    <main id="main" tabindex="-1">
      ${
        known === undefined
          ? failure && html`<${Problem} error=${failure} onRetry=${begin} />`
          : mustSignIn
            ? html`<${SignIn} onCancel=${known.isOpen ? () => ((isSigningIn.value = false)) : undefined} />`
            : page
              ? html`<${Loaded} key=${page.path} page=${page} />`
              : html`<${Heading} title="Not found" /><${Empty} title="There is no such page"><p>Choose one of the navigation.</p><//>`
      }
    </main>
  `;
}

/** Components of pages that have been visited. @type {Map<string, () => unknown>} */
const components = new Map();

/** @param {import("./pages.js").Page} page */
async function load({ path, load }) {
  const component = components.get(path) ?? (await load());
  components.set(path, component);
  return component;
}

/**
 * A page, whose module is fetched with the first visit.
 * @param {{ page: import("./pages.js").Page }} props
 */
function Loaded({ page }) {
  const [error, setError] = useState(/** @type {Error | undefined} */ (undefined));
  const [, setTimes] = useState(0);
  const component = components.get(page.path);
  const fetchIt = () => {
    setError(undefined);
    load(page).then(
      () => setTimes((times) => times + 1),
      () => setError(new Error("The server does not respond. Is it running?")),
    );
  };
  useEffect(() => {
    if (!component) fetchIt();
  }, []);
  if (error) return html`<${Problem} error=${error} onRetry=${() => location.reload()} />`;
  return component && html`<${component} />`;
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** @param {{ selected: string }} props */
function Nav({ selected }) {
  // On small windows the pages are behind a button.
  const [isOpen, setOpen] = useState(false);
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useEffect(() => setOpen(false), [address.value]);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || !isOpen) return;
    setOpen(false);
    button.current?.focus();
  };
  return html`
    <button type="button" class="menu outlined" ref=${button} aria-expanded=${String(isOpen)} aria-controls="pages" onKeyDown=${onKeyDown} onClick=${() => setOpen(!isOpen)}>
      <${Icon} name="menu" />${PAGES.find(({ path }) => path === selected)?.title ?? "Pages"}
    </button>
    <nav id="pages" aria-label="Pages" class=${isOpen ? "open" : ""} onKeyDown=${onKeyDown}>
      ${GROUPS.map(
        ({
          title,
          pages,
        }) => html`<div class="tabs" role="group" aria-labelledby=${`pages-${title}`} key=${title}>
          <p id=${`pages-${title}`}>${title}</p>
          ${pages.map(
            ({ path, title, icon }) =>
              html`<a class="tab" key=${path} href=${`/-/console/${path}`} aria-current=${path === selected ? "page" : undefined}>
                <${Icon} name=${icon} /><span>${title}</span>
              </a>`,
          )}
        </div>`,
      )}
    </nav>`;
}

/** @param {{ onSignIn: () => void }} props */
function Account({ onSignIn }) {
  const { isSignedIn, isOperator, endpoints = [], person, role } = session.value ?? {};
  const tenants = [...new Set(endpoints.map(({ tenant }) => tenant))].filter(Boolean);
  const name = isOperator
    ? "All endpoints"
    : tenants.length === 1
      ? tenants[0]
      : endpoints.map((one) => one.name).join(", ");
  return html`<div class="account">
    <span title=${person ? `${role}: ${name}` : isSignedIn ? "What the key is good for" : "Without a key, on this machine"}>${person ?? (isSignedIn ? name : "This machine")}</span>
    <button type="button" class="quiet" onClick=${isSignedIn ? signOut : onSignIn}>${isSignedIn ? "Sign out" : "Sign in"}</button>
  </div>`;
}

/** @param {{ onCancel?: (() => void) | undefined }} props */
function SignIn({ onCancel }) {
  const provider = session.value?.provider;
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
    ${provider && html`<a class="button main" href="/-/console/oidc" target="_self">Sign in with ${provider}</a>`}
    <p>${provider ? "Or sign in" : "Sign in"} with a private key of the configuration. You see what the key is good for.</p>
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
    ${onCancel && html`<button type="button" class="quiet" onClick=${onCancel}>Cancel</button>`}
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
const first = current();
// Beside the session; a failure is shown by the page.
if (first) load(first).catch(() => {});
