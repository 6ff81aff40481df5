/** A search that never ends. */
export default () => {
  for (;;);
};
