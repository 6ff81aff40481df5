/** A search that takes the thread with it. */
export default () => process.exit(1);
