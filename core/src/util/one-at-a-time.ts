/** Does work that never rejects, one run after the other: calls that come meanwhile share one more run. */
export function oneAtATime(work: () => Promise<void>): () => void {
  let isRunning = false;
  let again = false;
  return () => {
    again = true;
    if (isRunning) return;
    isRunning = true;
    void (async () => {
      while (again) {
        again = false;
        await work();
      }
      isRunning = false;
    })();
  };
}
