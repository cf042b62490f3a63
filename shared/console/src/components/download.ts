/** Saves what the page holds as a file of the reader's. */
export function saveFile(content: BlobPart, type: string, name: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has begun to read the content by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
