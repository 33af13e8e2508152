import { make } from "../shared/dom.js";
import { ownPath, pictures } from "../shared/files.js";
import { type Attachment, Attachment_Status } from "./client.js";
import type { Locale } from "./locale.js";

/** Makes what a message shows of a file. */
export function attachmentItem(attachment: Attachment, server: string, locale: Locale): HTMLElement {
  const item = make("p", "file");
  item.dataset.file = attachment.id;
  item.dir = "auto";
  const { fileLost, fileComing } = locale.texts;
  const about = attachment.size > 0n ? `${attachment.name} (${locale.size(attachment.size)})` : attachment.name;
  if (attachment.status !== Attachment_Status.READY) {
    item.textContent = `${about}: ${attachment.status === Attachment_Status.FAILED ? fileLost : fileComing}`;
    return item;
  }
  const link = make("a", "", about);
  link.href = server + ownPath(attachment.url);
  link.rel = "noreferrer";
  if (pictures.has(attachment.mimeType)) {
    const image = make("img");
    image.src = link.href;
    image.alt = attachment.name;
    image.loading = "lazy";
    link.target = "_blank";
    link.replaceChildren(image);
  } else {
    link.download = attachment.name;
  }
  item.append(link);
  return item;
}
