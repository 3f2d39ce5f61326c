// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/now.js
function now_default() {
  if (window.performance) {
    return performance.now();
  }
  return Date.now();
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/storedPixelDataToCanvasImageData.js
function storedPixelDataToCanvasImageData_default(image, lut, canvasImageDataData) {
  let start = now_default();
  const pixelData = image.voxelManager.getScalarData();
  image.stats.lastGetPixelDataTime = now_default() - start;
  const numPixels = pixelData.length;
  const minPixelValue = image.minPixelValue;
  let canvasImageDataIndex = 3;
  let storedPixelDataIndex = 0;
  start = now_default();
  if (pixelData instanceof Int16Array) {
    if (minPixelValue < 0) {
      while (storedPixelDataIndex < numPixels) {
        canvasImageDataData[canvasImageDataIndex] = lut[pixelData[storedPixelDataIndex++] + -minPixelValue];
        canvasImageDataIndex += 4;
      }
    } else {
      while (storedPixelDataIndex < numPixels) {
        canvasImageDataData[canvasImageDataIndex] = lut[pixelData[storedPixelDataIndex++]];
        canvasImageDataIndex += 4;
      }
    }
  } else if (pixelData instanceof Uint16Array) {
    while (storedPixelDataIndex < numPixels) {
      canvasImageDataData[canvasImageDataIndex] = lut[pixelData[storedPixelDataIndex++]];
      canvasImageDataIndex += 4;
    }
  } else if (minPixelValue < 0) {
    while (storedPixelDataIndex < numPixels) {
      canvasImageDataData[canvasImageDataIndex] = lut[pixelData[storedPixelDataIndex++] + -minPixelValue];
      canvasImageDataIndex += 4;
    }
  } else {
    while (storedPixelDataIndex < numPixels) {
      canvasImageDataData[canvasImageDataIndex] = lut[pixelData[storedPixelDataIndex++]];
      canvasImageDataIndex += 4;
    }
  }
  image.stats.lastStoredPixelDataToCanvasImageDataTime = now_default() - start;
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/storedPixelDataToCanvasImageDataPET.js
function storedPixelDataToCanvasImageDataPET_default(image, lutFunction, canvasImageDataData) {
  let start = now_default();
  const pixelData = image.voxelManager.getScalarData();
  image.stats.lastGetPixelDataTime = now_default() - start;
  const numPixels = pixelData.length;
  let canvasImageDataIndex = 3;
  let storedPixelDataIndex = 0;
  start = now_default();
  while (storedPixelDataIndex < numPixels) {
    canvasImageDataData[canvasImageDataIndex] = lutFunction(pixelData[storedPixelDataIndex++]);
    canvasImageDataIndex += 4;
  }
  image.stats.lastStoredPixelDataToCanvasImageDataTime = now_default() - start;
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/storedPixelDataToCanvasImageDataRGBA.js
function storedPixelDataToCanvasImageDataRGBA_default(image, lut, canvasImageDataData) {
  let start = now_default();
  const pixelData = image.voxelManager.getScalarData();
  image.stats.lastGetPixelDataTime = now_default() - start;
  const numPixels = pixelData.length;
  const minPixelValue = image.minPixelValue;
  let canvasImageDataIndex = 0;
  let storedPixelDataIndex = 0;
  let pixelValue;
  start = now_default();
  if (pixelData instanceof Int16Array) {
    if (minPixelValue < 0) {
      while (storedPixelDataIndex < numPixels) {
        pixelValue = lut[pixelData[storedPixelDataIndex++] + -minPixelValue];
        canvasImageDataData[canvasImageDataIndex++] = pixelValue;
        canvasImageDataData[canvasImageDataIndex++] = pixelValue;
        canvasImageDataData[canvasImageDataIndex++] = pixelValue;
        canvasImageDataData[canvasImageDataIndex++] = 255;
      }
    } else {
      while (storedPixelDataIndex < numPixels) {
        pixelValue = lut[pixelData[storedPixelDataIndex++]];
        canvasImageDataData[canvasImageDataIndex++] = pixelValue;
        canvasImageDataData[canvasImageDataIndex++] = pixelValue;
        canvasImageDataData[canvasImageDataIndex++] = pixelValue;
        canvasImageDataData[canvasImageDataIndex++] = 255;
      }
    }
  } else if (pixelData instanceof Uint16Array) {
    while (storedPixelDataIndex < numPixels) {
      pixelValue = lut[pixelData[storedPixelDataIndex++]];
      canvasImageDataData[canvasImageDataIndex++] = pixelValue;
      canvasImageDataData[canvasImageDataIndex++] = pixelValue;
      canvasImageDataData[canvasImageDataIndex++] = pixelValue;
      canvasImageDataData[canvasImageDataIndex++] = 255;
    }
  } else if (minPixelValue < 0) {
    while (storedPixelDataIndex < numPixels) {
      pixelValue = lut[pixelData[storedPixelDataIndex++] + -minPixelValue];
      canvasImageDataData[canvasImageDataIndex++] = pixelValue;
      canvasImageDataData[canvasImageDataIndex++] = pixelValue;
      canvasImageDataData[canvasImageDataIndex++] = pixelValue;
      canvasImageDataData[canvasImageDataIndex++] = 255;
    }
  } else {
    while (storedPixelDataIndex < numPixels) {
      pixelValue = lut[pixelData[storedPixelDataIndex++]];
      canvasImageDataData[canvasImageDataIndex++] = pixelValue;
      canvasImageDataData[canvasImageDataIndex++] = pixelValue;
      canvasImageDataData[canvasImageDataIndex++] = pixelValue;
      canvasImageDataData[canvasImageDataIndex++] = 255;
    }
  }
  image.stats.lastStoredPixelDataToCanvasImageDataTime = now_default() - start;
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/transform.js
var Transform = class _Transform {
  constructor() {
    this.reset();
  }
  getMatrix() {
    return this.m;
  }
  reset() {
    this.m = [1, 0, 0, 1, 0, 0];
  }
  clone() {
    const transform = new _Transform();
    transform.m[0] = this.m[0];
    transform.m[1] = this.m[1];
    transform.m[2] = this.m[2];
    transform.m[3] = this.m[3];
    transform.m[4] = this.m[4];
    transform.m[5] = this.m[5];
    return transform;
  }
  multiply(matrix) {
    const m11 = this.m[0] * matrix[0] + this.m[2] * matrix[1];
    const m12 = this.m[1] * matrix[0] + this.m[3] * matrix[1];
    const m21 = this.m[0] * matrix[2] + this.m[2] * matrix[3];
    const m22 = this.m[1] * matrix[2] + this.m[3] * matrix[3];
    const dx = this.m[0] * matrix[4] + this.m[2] * matrix[5] + this.m[4];
    const dy = this.m[1] * matrix[4] + this.m[3] * matrix[5] + this.m[5];
    this.m[0] = m11;
    this.m[1] = m12;
    this.m[2] = m21;
    this.m[3] = m22;
    this.m[4] = dx;
    this.m[5] = dy;
  }
  invert() {
    const d = 1 / (this.m[0] * this.m[3] - this.m[1] * this.m[2]);
    const m0 = this.m[3] * d;
    const m1 = -this.m[1] * d;
    const m2 = -this.m[2] * d;
    const m3 = this.m[0] * d;
    const m4 = d * (this.m[2] * this.m[5] - this.m[3] * this.m[4]);
    const m5 = d * (this.m[1] * this.m[4] - this.m[0] * this.m[5]);
    this.m[0] = m0;
    this.m[1] = m1;
    this.m[2] = m2;
    this.m[3] = m3;
    this.m[4] = m4;
    this.m[5] = m5;
  }
  rotate(rad) {
    const c = Math.cos(rad);
    const s = Math.sin(rad);
    const m11 = this.m[0] * c + this.m[2] * s;
    const m12 = this.m[1] * c + this.m[3] * s;
    const m21 = this.m[0] * -s + this.m[2] * c;
    const m22 = this.m[1] * -s + this.m[3] * c;
    this.m[0] = m11;
    this.m[1] = m12;
    this.m[2] = m21;
    this.m[3] = m22;
  }
  translate(x, y) {
    this.m[4] += this.m[0] * x + this.m[2] * y;
    this.m[5] += this.m[1] * x + this.m[3] * y;
  }
  scale(sx, sy) {
    this.m[0] *= sx;
    this.m[1] *= sx;
    this.m[2] *= sy;
    this.m[3] *= sy;
  }
  transformPoint(point) {
    const x = point[0];
    const y = point[1];
    return [
      x * this.m[0] + y * this.m[2] + this.m[4],
      x * this.m[1] + y * this.m[3] + this.m[5]
    ];
  }
};

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/calculateTransform.js
function getViewportScale(scale) {
  if (Array.isArray(scale)) {
    return [scale[0] ?? 1, scale[1] ?? 1, true];
  }
  const scalarScale = scale ?? 1;
  return [scalarScale, scalarScale, false];
}
function calculateTransform_default(enabledElement, scale) {
  const transform = new Transform();
  const aspectRatio = enabledElement.viewport.aspectRatio;
  if (!enabledElement.viewport.displayedArea) {
    return transform;
  }
  transform.translate(enabledElement.canvas.width / 2, enabledElement.canvas.height / 2);
  const angle = enabledElement.viewport.rotation;
  if (angle !== 0) {
    transform.rotate(angle * Math.PI / 180);
  }
  const [viewportScaleX, viewportScaleY, hasExplicitAxisScale] = getViewportScale(enabledElement.viewport.scale);
  let widthScale = viewportScaleX;
  let heightScale = viewportScaleY;
  const width = enabledElement.viewport.displayedArea.brhc.x - (enabledElement.viewport.displayedArea.tlhc.x - 1);
  const height = enabledElement.viewport.displayedArea.brhc.y - (enabledElement.viewport.displayedArea.tlhc.y - 1);
  if (hasExplicitAxisScale) {
  } else if (enabledElement.viewport.displayedArea.presentationSizeMode === "NONE") {
    if (enabledElement.image.rowPixelSpacing < enabledElement.image.columnPixelSpacing) {
      widthScale *= enabledElement.image.columnPixelSpacing / enabledElement.image.rowPixelSpacing;
    } else if (enabledElement.image.columnPixelSpacing < enabledElement.image.rowPixelSpacing) {
      heightScale *= enabledElement.image.rowPixelSpacing / enabledElement.image.columnPixelSpacing;
    }
  } else {
    widthScale = enabledElement.viewport.displayedArea.columnPixelSpacing;
    heightScale = enabledElement.viewport.displayedArea.rowPixelSpacing;
    if (enabledElement.viewport.displayedArea.presentationSizeMode === "SCALE TO FIT") {
      const verticalScale = enabledElement.canvas.height / (height * heightScale);
      const horizontalScale = enabledElement.canvas.width / (width * widthScale);
      widthScale = heightScale = Math.min(horizontalScale, verticalScale);
      if (enabledElement.viewport.displayedArea.rowPixelSpacing < enabledElement.viewport.displayedArea.columnPixelSpacing) {
        widthScale *= enabledElement.viewport.displayedArea.columnPixelSpacing / enabledElement.viewport.displayedArea.rowPixelSpacing;
      } else if (enabledElement.viewport.displayedArea.columnPixelSpacing < enabledElement.viewport.displayedArea.rowPixelSpacing) {
        heightScale *= enabledElement.viewport.displayedArea.rowPixelSpacing / enabledElement.viewport.displayedArea.columnPixelSpacing;
      }
    }
  }
  transform.scale(widthScale, heightScale);
  if (angle !== 0) {
    transform.rotate(-angle * Math.PI / 180);
  }
  transform.translate(enabledElement.viewport.translation.x, enabledElement.viewport.translation.y);
  if (angle !== 0) {
    transform.rotate(angle * Math.PI / 180);
  }
  if (scale !== void 0 && aspectRatio === void 0) {
    transform.scale(scale, scale);
  }
  if (aspectRatio !== void 0 && scale === void 0) {
    const [scaleX, scaleY] = aspectRatio;
    transform.scale(scaleX, scaleY);
  }
  if (enabledElement.viewport.hflip) {
    transform.scale(-1, 1);
  }
  if (enabledElement.viewport.vflip) {
    transform.scale(1, -1);
  }
  transform.translate(-width / 2, -height / 2);
  return transform;
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/setToPixelCoordinateSystem.js
function setToPixelCoordinateSystem_default(enabledElement, context, scale) {
  if (enabledElement === void 0) {
    throw new Error("setToPixelCoordinateSystem: parameter enabledElement must not be undefined");
  }
  if (context === void 0) {
    throw new Error("setToPixelCoordinateSystem: parameter context must not be undefined");
  }
  const transform = calculateTransform_default(enabledElement, scale);
  const m = transform.getMatrix();
  context.setTransform(m[0], m[1], m[2], m[3], m[4], m[5]);
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/computeAutoVoi.js
function computeAutoVoi(viewport, image) {
  if (hasVoi(viewport)) {
    return;
  }
  const maxVoi = image.maxPixelValue * image.slope + image.intercept;
  const minVoi = image.minPixelValue * image.slope + image.intercept;
  const ww = maxVoi - minVoi;
  const wc = (maxVoi + minVoi) / 2;
  if (viewport.voi === void 0) {
    viewport.voi = {
      windowWidth: ww,
      windowCenter: wc,
      voiLUTFunction: image.voiLUTFunction
    };
  } else {
    viewport.voi.windowWidth = ww;
    viewport.voi.windowCenter = wc;
  }
}
function hasVoi(viewport) {
  const hasLut = viewport.voiLUT && viewport.voiLUT.lut && viewport.voiLUT.lut.length > 0;
  return hasLut || viewport.voi.windowWidth !== void 0 && viewport.voi.windowCenter !== void 0;
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/lutMatches.js
function lutMatches(a, b) {
  if (!a && !b) {
    return true;
  }
  if (!a || !b) {
    return false;
  }
  return a.id === b.id;
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/getModalityLut.js
function generateLinearModalityLUT(slope, intercept) {
  return (storedPixelValue) => storedPixelValue * slope + intercept;
}
function generateNonLinearModalityLUT(modalityLUT) {
  const minValue = modalityLUT.lut[0];
  const maxValue = modalityLUT.lut[modalityLUT.lut.length - 1];
  const maxValueMapped = modalityLUT.firstValueMapped + modalityLUT.lut.length;
  return (storedPixelValue) => {
    if (storedPixelValue < modalityLUT.firstValueMapped) {
      return minValue;
    } else if (storedPixelValue >= maxValueMapped) {
      return maxValue;
    }
    return modalityLUT.lut[storedPixelValue];
  };
}
function getModalityLut_default(slope, intercept, modalityLUT) {
  if (modalityLUT) {
    return generateNonLinearModalityLUT(modalityLUT);
  }
  return generateLinearModalityLUT(slope, intercept);
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/getVOILut.js
function generateLinearVOILUT(windowWidth, windowCenter) {
  return function(modalityLutValue) {
    const value = ((modalityLutValue - (windowCenter - 0.5)) / (windowWidth - 1) + 0.5) * 255;
    return Math.min(Math.max(value, 0), 255);
  };
}
function generateNonLinearVOILUT(voiLUT) {
  const bitsPerEntry = Math.max(...voiLUT.lut).toString(2).length;
  const shift = bitsPerEntry - 8;
  const minValue = voiLUT.lut[0] >> shift;
  const maxValue = voiLUT.lut[voiLUT.lut.length - 1] >> shift;
  const maxValueMapped = voiLUT.firstValueMapped + voiLUT.lut.length - 1;
  return function(modalityLutValue) {
    if (modalityLutValue < voiLUT.firstValueMapped) {
      return minValue;
    } else if (modalityLutValue >= maxValueMapped) {
      return maxValue;
    }
    return voiLUT.lut[modalityLutValue - voiLUT.firstValueMapped] >> shift;
  };
}
function getVOILut_default(windowWidth, windowCenter, voiLUT) {
  if (voiLUT) {
    return generateNonLinearVOILUT(voiLUT);
  }
  return generateLinearVOILUT(windowWidth, windowCenter);
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/generateLut.js
function generateLut_default(image, windowWidth, windowCenter, invert, modalityLUT, voiLUT) {
  const maxPixelValue = image.maxPixelValue;
  const minPixelValue = image.minPixelValue;
  const offset = Math.min(minPixelValue, 0);
  if (image.cachedLut === void 0) {
    const length = maxPixelValue - offset + 1;
    image.cachedLut = {};
    image.cachedLut.lutArray = new Uint8ClampedArray(length);
  }
  const lut = image.cachedLut.lutArray;
  const mlutfn = getModalityLut_default(image.slope, image.intercept, modalityLUT);
  const vlutfn = getVOILut_default(windowWidth, windowCenter, voiLUT);
  if (image.isPreScaled) {
    if (invert) {
      for (let storedValue = minPixelValue; storedValue <= maxPixelValue; storedValue++) {
        lut[storedValue + -offset] = 255 - vlutfn(storedValue);
      }
    } else {
      for (let storedValue = minPixelValue; storedValue <= maxPixelValue; storedValue++) {
        lut[storedValue + -offset] = vlutfn(storedValue);
      }
    }
  } else {
    if (invert) {
      for (let storedValue = minPixelValue; storedValue <= maxPixelValue; storedValue++) {
        lut[storedValue + -offset] = 255 - vlutfn(mlutfn(storedValue));
      }
    } else {
      for (let storedValue = minPixelValue; storedValue <= maxPixelValue; storedValue++) {
        lut[storedValue + -offset] = vlutfn(mlutfn(storedValue));
      }
    }
  }
  return lut;
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/getLut.js
function getLut_default(image, viewport, invalidated) {
  if (image.cachedLut !== void 0 && image.cachedLut.windowCenter === viewport.voi.windowCenter && image.cachedLut.windowWidth === viewport.voi.windowWidth && lutMatches(image.cachedLut.modalityLUT, viewport.modalityLUT) && lutMatches(image.cachedLut.voiLUT, viewport.voiLUT) && image.cachedLut.invert === viewport.invert && !invalidated) {
    return image.cachedLut.lutArray;
  }
  computeAutoVoi(viewport, image);
  generateLut_default(image, viewport.voi.windowWidth, viewport.voi.windowCenter, viewport.invert, viewport.modalityLUT, viewport.voiLUT);
  image.cachedLut.windowWidth = viewport.voi.windowWidth;
  image.cachedLut.windowCenter = viewport.voi.windowCenter;
  image.cachedLut.invert = viewport.invert;
  image.cachedLut.voiLUT = viewport.voiLUT;
  image.cachedLut.modalityLUT = viewport.modalityLUT;
  return image.cachedLut.lutArray;
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/doesImageNeedToBeRendered.js
function doesImageNeedToBeRendered(enabledElement, image) {
  const lastRenderedImageId = enabledElement.renderingTools.lastRenderedImageId;
  const lastRenderedViewport = enabledElement.renderingTools.lastRenderedViewport;
  return image.imageId !== lastRenderedImageId || !lastRenderedViewport || lastRenderedViewport.windowCenter !== enabledElement.viewport.voi.windowCenter || lastRenderedViewport.windowWidth !== enabledElement.viewport.voi.windowWidth || lastRenderedViewport.invert !== enabledElement.viewport.invert || lastRenderedViewport.rotation !== enabledElement.viewport.rotation || lastRenderedViewport.hflip !== enabledElement.viewport.hflip || lastRenderedViewport.vflip !== enabledElement.viewport.vflip || lastRenderedViewport.modalityLUT !== enabledElement.viewport.modalityLUT || lastRenderedViewport.voiLUT !== enabledElement.viewport.voiLUT || lastRenderedViewport.colormap !== enabledElement.viewport.colormap;
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/initializeRenderCanvas.js
function initializeRenderCanvas_default(enabledElement, image) {
  const renderCanvas = enabledElement.renderingTools.renderCanvas;
  renderCanvas.width = image.width;
  renderCanvas.height = image.height;
  const canvasContext = renderCanvas.getContext("2d");
  canvasContext.fillStyle = "white";
  canvasContext.fillRect(0, 0, renderCanvas.width, renderCanvas.height);
  const renderCanvasData = canvasContext.getImageData(0, 0, image.width, image.height);
  enabledElement.renderingTools.renderCanvasContext = canvasContext;
  enabledElement.renderingTools.renderCanvasData = renderCanvasData;
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/saveLastRendered.js
function saveLastRendered_default(enabledElement) {
  const imageId = enabledElement.image.imageId;
  const viewport = enabledElement.viewport;
  const isColor = enabledElement.image.color;
  enabledElement.renderingTools.lastRenderedImageId = imageId;
  enabledElement.renderingTools.lastRenderedIsColor = isColor;
  enabledElement.renderingTools.lastRenderedViewport = {
    windowCenter: viewport.voi.windowCenter,
    windowWidth: viewport.voi.windowWidth,
    invert: viewport.invert,
    rotation: viewport.rotation,
    hflip: viewport.hflip,
    vflip: viewport.vflip,
    modalityLUT: viewport.modalityLUT,
    voiLUT: viewport.voiLUT,
    colormap: viewport.colormap
  };
  return enabledElement.renderingTools;
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/getOrCreateCanvas.js
var CANVAS_CSS_CLASS = "cornerstone-canvas";
var canvasCreator;
function createCanvas(element, width = 512, height = 512) {
  const canvas = canvasCreator ? canvasCreator(width, height) : document.createElement("canvas");
  if (!element) {
    return canvas;
  }
  canvas.style.position = "absolute";
  canvas.style.width = "100%";
  canvas.style.height = "100%";
  canvas.style.imageRendering = "pixelated";
  canvas.classList.add(CANVAS_CSS_CLASS);
  element.appendChild(canvas);
  return canvas;
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/renderGrayscaleImage.js
function getRenderCanvas(enabledElement, image, invalidated, useAlphaChannel = true) {
  const canvasWasColor = enabledElement.renderingTools.lastRenderedIsColor;
  if (!enabledElement.renderingTools.renderCanvas || canvasWasColor) {
    enabledElement.renderingTools.renderCanvas = createCanvas(null, image.width, image.height);
    initializeRenderCanvas_default(enabledElement, image);
  }
  const renderCanvas = enabledElement.renderingTools.renderCanvas;
  if (!doesImageNeedToBeRendered(enabledElement, image) && !invalidated) {
    return renderCanvas;
  }
  if (renderCanvas.width !== image.width || renderCanvas.height !== image.height) {
    initializeRenderCanvas_default(enabledElement, image);
  }
  image.stats = image.stats || {};
  const renderCanvasData = enabledElement.renderingTools.renderCanvasData;
  const renderCanvasContext = enabledElement.renderingTools.renderCanvasContext;
  let start = now_default();
  image.stats.lastLutGenerateTime = now_default() - start;
  const { viewport } = enabledElement;
  if (viewport.modality === "PT" && image.isPreScaled) {
    const { windowWidth, windowCenter } = viewport.voi;
    const minimum = windowCenter - windowWidth / 2;
    const maximum = windowCenter + windowWidth / 2;
    const range = maximum - minimum;
    const collectedMultiplierTerms = 255 / range;
    let petVOILutFunction;
    if (viewport.invert) {
      petVOILutFunction = (value) => 255 - (value - minimum) * collectedMultiplierTerms;
    } else {
      petVOILutFunction = (value) => (value - minimum) * collectedMultiplierTerms;
    }
    storedPixelDataToCanvasImageDataPET_default(image, petVOILutFunction, renderCanvasData.data);
  } else {
    const lut = getLut_default(image, viewport, invalidated);
    if (useAlphaChannel) {
      storedPixelDataToCanvasImageData_default(image, lut, renderCanvasData.data);
    } else {
      storedPixelDataToCanvasImageDataRGBA_default(image, lut, renderCanvasData.data);
    }
  }
  start = now_default();
  renderCanvasContext.putImageData(renderCanvasData, 0, 0);
  image.stats.lastPutImageDataTime = now_default() - start;
  return renderCanvas;
}
function renderGrayscaleImage(enabledElement, invalidated) {
  if (enabledElement === void 0) {
    throw new Error("drawImage: enabledElement parameter must not be undefined");
  }
  const image = enabledElement.image;
  if (image === void 0) {
    throw new Error("drawImage: image must be loaded before it can be drawn");
  }
  const context = enabledElement.canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = "black";
  context.fillRect(0, 0, enabledElement.canvas.width, enabledElement.canvas.height);
  context.imageSmoothingEnabled = !enabledElement.viewport.pixelReplication;
  setToPixelCoordinateSystem_default(enabledElement, context);
  const renderCanvas = getRenderCanvas(enabledElement, image, invalidated);
  const sx = enabledElement.viewport.displayedArea.tlhc.x - 1;
  const sy = enabledElement.viewport.displayedArea.tlhc.y - 1;
  const width = enabledElement.viewport.displayedArea.brhc.x - sx;
  const height = enabledElement.viewport.displayedArea.brhc.y - sy;
  context.drawImage(renderCanvas, sx, sy, width, height, 0, 0, width, height);
  enabledElement.renderingTools = saveLastRendered_default(enabledElement);
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/getTransform.js
function getTransform_default(enabledElement) {
  return calculateTransform_default(enabledElement);
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/canvasToPixel.js
function canvasToPixel_default(enabledElement, pt) {
  const transform = getTransform_default(enabledElement);
  transform.invert();
  return transform.transformPoint(pt);
}

// node_modules/@cornerstonejs/core/dist/esm/RenderingEngine/helpers/cpuFallback/rendering/pixelToCanvas.js
function pixelToCanvas_default(enabledElement, pt) {
  const transform = getTransform_default(enabledElement);
  return transform.transformPoint(pt);
}
export {
  canvasToPixel_default as canvasToPixel,
  pixelToCanvas_default as pixelToCanvas,
  renderGrayscaleImage
};
