import { request } from './api/client';

/**
 * Saves what the API answers as CSV as a file, all its pages in one. A link could not: the
 * credentials go in a header. Throws an ApiError or Unreachable, and then saves nothing.
 */
export async function download(path: string, name: string): Promise<void> {
  const url = URL.createObjectURL(new Blob(await pagesOf(path), { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads it in its own time.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function pagesOf(path: string): Promise<string[]> {
  const pages: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const response = await request(
      'GET',
      cursor === '' ? path : `${path}&cursor=${encodeURIComponent(cursor)}`,
    );
    const text = await response.text();
    // Each page names its columns again.
    pages.push(pages.length === 0 ? text : text.slice(text.indexOf('\r\n') + 2));
    cursor = response.headers.get('X-Next-Cursor');
  }
  return pages;
}
