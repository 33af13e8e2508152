/** What may be told to a human who looks elsewhere. */
export type Alert =
  | { readonly case: "waiting"; readonly session: string; readonly name: string }
  | { readonly case: "message"; readonly session: string; readonly name: string }
  | { readonly case: "transferred"; readonly session: string; readonly name: string };

/** Two short tones, made on the spot: there is no file to load. */
export class Bell {
  #audio: AudioContext | undefined;

  /** Browsers allow sound only once somebody has clicked or typed. */
  ring(): void {
    try {
      this.#audio ??= new AudioContext();
    } catch {
      return; // a machine without sound
    }
    const audio = this.#audio;
    void audio.resume().then(() => {
      for (const [start, pitch] of [[0, 660], [0.16, 880]] as const) {
        const [tone, volume] = [audio.createOscillator(), audio.createGain()];
        const at = audio.currentTime + start;
        tone.frequency.value = pitch;
        volume.gain.setValueAtTime(0.15, at);
        volume.gain.exponentialRampToValueAtTime(0.001, at + 0.15);
        tone.connect(volume).connect(audio.destination);
        tone.start(at);
        tone.stop(at + 0.16);
      }
    }, () => undefined);
  }
}

/** Asks the browser whether it may show notices; tells the answer. */
export async function mayNotify(): Promise<boolean> {
  if (!("Notification" in window)) return false;
  if (Notification.permission !== "default") return Notification.permission === "granted";
  return (await Notification.requestPermission()) === "granted";
}

/** Shows a notice of the browser, where that is allowed. What the customer wrote is not in it. */
export function notify(title: string, text: string, tag: string, click: () => void): void {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  try {
    const notice = new Notification(title, { body: text, tag });
    notice.onclick = () => {
      window.focus();
      click();
      notice.close();
    };
  } catch {
    // Some browsers show notices for service workers only.
  }
}
