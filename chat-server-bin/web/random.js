// Random names. `crypto.randomUUID` is not there where the page came over plain HTTP.

/** As many random bytes, in hexadecimal digits. */
export function randomDigits(bytes) {
  const values = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(values, (value) => value.toString(16).padStart(2, "0")).join("");
}
