// Work that a burst of pushes asks for many times, done once before the next frame is drawn.

const LATEST_MS = 250; // a hidden page has no frames
export const MAX_DRAWN = 50; // rows of one list, so that a frame is short whatever comes

// A function that asks for the work; its `now` does it at once.
export function perFrame(work) {
    let frame = 0;
    let timer = 0;
    const now = () => {
        cancelAnimationFrame(frame);
        clearTimeout(timer);
        timer = 0;
        work();
    };
    const ask = () => {
        if (timer) return;
        frame = requestAnimationFrame(now);
        timer = setTimeout(now, LATEST_MS);
    };
    return Object.assign(ask, { now });
}
