import { computed } from "@preact/signals";
import { isSigningIn, session, signOut } from "./api.js";
import { html, Icon } from "./ui.js";

/** @typedef {"operate" | "configure"} Role */

/** @param {Role} role */
const has = (role) =>
  computed(() => {
    const { isSignedIn, role: own = "configure" } = session.value ?? {};
    return isSignedIn === true && (own === role || own === "configure");
  });

/** Whether the session may purge and warm. */
export const canOperate = has("operate");
/** Whether the session may change something. */
export const canChange = has("configure");

/**
 * Why something cannot be done here, and what to do about it.
 * @param {{ to: string, role?: Role }} props `to`: what it is, as `purge`
 */
export function Locked({ to, role = "configure" }) {
  const { isSignedIn, endpoints = [], provider } = session.value ?? {};
  if ((role === "operate" ? canOperate : canChange).value) return null;
  const hasKey = provider !== undefined || endpoints.some((one) => one.hasKey);
  const again = async () => {
    await signOut();
    isSigningIn.value = true;
  };
  return html`<aside class="locked" aria-label="Not possible yet">
    <${Icon} name="key" />
    <div>
      <strong>${isSignedIn ? `Your key cannot ${to}` : hasKey ? `Sign in to ${to}` : `A private key is needed to ${to}`}</strong>
      <p>${
        isSignedIn
          ? html`It takes a key of the role <b>${role}</b>.`
          : hasKey
            ? "Without a key, this console only shows."
            : html`Set <code>privateKey</code> in the configuration (<code>MEDIATAP_PRIVATE_KEY</code> for the samples of <code>npm start</code>), and sign in with it.`
      }</p>
    </div>
    ${hasKey && html`<button type="button" class="outlined" onClick=${isSignedIn ? again : () => ((isSigningIn.value = true))}>${isSignedIn ? "Sign in with another key" : "Sign in"}</button>`}
  </aside>`;
}
