/** A duration as a countdown shows it: 4:05, 1:00:00. The server and the page write it alike. */
export function clock(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1_000));
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
  if (seconds >= 3_600) parts.unshift(Math.floor(seconds / 3_600));
  return parts.map((part, at) => (at === 0 ? part : String(part).padStart(2, '0'))).join(':');
}
