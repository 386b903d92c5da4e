export async function seconds(action) {
  const start = performance.now();
  await action();
  return (performance.now() - start) / 1e3;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
