// Mouse, pen and touch on the image. Mouse: drag changes the window, wheel zooms, right drag or
// shift pans, a click marks. Touch: one finger changes the window, two zoom and pan, a tap marks.

const STILL = 5; // CSS pixels that a click may wander

export function attach(canvas, viewer, onplace) {
  const pointers = new Map();
  let wandered = 0;
  let several = false;

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  canvas.addEventListener("contextmenu", (event) => event.preventDefault());

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x, y } = at(event);
    viewer.zoomAt(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.002)), x, y);
  }, { passive: false });

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (pointers.size === 0) [wandered, several] = [0, false];
    pointers.set(event.pointerId, at(event));
    several ||= pointers.size > 1;
  });

  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = at(event);
    const [dx, dy] = [now.x - before.x, now.y - before.y];
    wandered += Math.hypot(dx, dy);
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
      pinch(viewer, other, before, now);
    } else if (wandered > STILL && !several) {
      if (event.shiftKey || event.buttons & 6) viewer.pan(dx, dy);
      else shiftWindow(viewer, dx, dy);
    }
    pointers.set(event.pointerId, now);
  });

  const end = (event, isClick) => {
    if (!pointers.delete(event.pointerId) || pointers.size) return;
    if (!isClick || several || wandered > STILL || event.button > 0) return;
    const { x, y } = at(event);
    const place = viewer.toPixel(x, y);
    if (viewer.contains(place)) onplace([place.row, place.column]);
  };
  canvas.addEventListener("pointerup", (event) => end(event, true));
  canvas.addEventListener("pointercancel", (event) => end(event, false));
}

function shiftWindow(viewer, dx, dy) {
  const { centre, width } = viewer.window;
  const step = Math.max(1, width / 400);
  viewer.window = { centre: centre - dy * step, width: width + dx * step * 2 };
}

function pinch(viewer, other, before, now) {
  const length = (p) => Math.hypot(p.x - other.x, p.y - other.y) || 1;
  viewer.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  viewer.zoomAt(length(now) / length(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
}
