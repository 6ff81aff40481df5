/** Rejects with `ETIMEDOUT` if the work takes longer. The work itself goes on, and keeps the process alive until then. */
export function within<T>(milliseconds: number, work: Promise<T>, message = "it took too long"): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(Object.assign(new Error(message), { code: "ETIMEDOUT" }));
    const timer = setTimeout(late, milliseconds);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
