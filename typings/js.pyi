# What of the browser this project uses: a class for each interface, named and shaped as in its specification.
# JavaScript's `new X()` is `X.new()`; a promise is awaited. What a browser may lack is asked for with
# `interop.known` first.
from collections.abc import Awaitable, Sequence
from typing import Any

from pyodide.ffi import JsDoubleProxy, JsNull

class EventTarget:
    def addEventListener(self, type: str, listener: JsDoubleProxy) -> None: ...
    def removeEventListener(self, type: str, listener: JsDoubleProxy) -> None: ...

class Event:
    type: str
    defaultPrevented: bool
    target: Any
    returnValue: Any
    def preventDefault(self) -> None: ...

class ArrayBuffer:
    byteLength: int
    def to_bytes(self) -> bytes: ...

class Uint8Array:
    byteLength: int
    buffer: ArrayBuffer
    @staticmethod
    def new(length: int) -> Uint8Array: ...
    def assign(self, data: bytes) -> None: ...

class WritableStream:
    @staticmethod
    def new(**sink: object) -> WritableStream: ...

class Float32Array:
    @staticmethod
    def new(length: int) -> Float32Array: ...
    def to_bytes(self) -> bytes: ...

class KeyboardEvent(Event):
    key: str
    repeat: bool
    ctrlKey: bool
    altKey: bool
    metaKey: bool
    shiftKey: bool

class Blob:
    size: int
    type: str
    def arrayBuffer(self) -> Awaitable[ArrayBuffer]: ...
    def stream(self) -> Any: ...
    def slice(self, start: int, end: int, type: str = ...) -> Blob: ...
    def text(self) -> Awaitable[str]: ...

class File(Blob):
    name: str
    @staticmethod
    def new(parts: Any, name: str, **options: object) -> File: ...

class MediaTrackSettings:
    deviceId: str | None
    width: int | None
    height: int | None
    frameRate: float | None
    sampleRate: int | None
    channelCount: int | None
    echoCancellation: bool | str | None
    noiseSuppression: bool | None
    autoGainControl: bool | None

class MediaStreamTrack(EventTarget):
    id: str
    kind: str
    label: str
    enabled: bool
    muted: bool
    readyState: str
    def stop(self) -> None: ...
    def getSettings(self) -> MediaTrackSettings: ...
    def applyConstraints(self, constraints: Any) -> Awaitable[None]: ...

class MediaStreamTrackGenerator(MediaStreamTrack):
    writable: WritableStream
    @staticmethod
    def new(*, kind: str) -> MediaStreamTrackGenerator: ...

class MediaStreamTrackProcessor:
    readable: Any
    @staticmethod
    def new(*, track: MediaStreamTrack) -> MediaStreamTrackProcessor: ...

class MediaStream(EventTarget):
    active: bool
    @staticmethod
    def new(tracks: Any = ...) -> MediaStream: ...
    def getTracks(self) -> Sequence[MediaStreamTrack]: ...
    def getAudioTracks(self) -> Sequence[MediaStreamTrack]: ...
    def getVideoTracks(self) -> Sequence[MediaStreamTrack]: ...
    def addTrack(self, track: MediaStreamTrack) -> None: ...
    def removeTrack(self, track: MediaStreamTrack) -> None: ...

class MediaDeviceInfo:
    deviceId: str
    kind: str
    label: str

class MediaDevices(EventTarget):
    def getUserMedia(self, constraints: Any) -> Awaitable[MediaStream]: ...
    def enumerateDevices(self) -> Awaitable[Sequence[MediaDeviceInfo]]: ...

class BlobEvent(Event):
    data: Blob

class MediaRecorder(EventTarget):
    mimeType: str
    state: str
    @staticmethod
    def new(stream: MediaStream, **options: object) -> MediaRecorder: ...
    @staticmethod
    def isTypeSupported(type: str) -> bool: ...
    def start(self, timeslice: int) -> None: ...
    def stop(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...

class AudioParam:
    value: float

class AudioNode(EventTarget):
    channelCount: int
    channelCountMode: str
    def connect(self, node: AudioNode) -> AudioNode: ...
    def disconnect(self, node: AudioNode = ...) -> None: ...

class AudioWorklet:
    def addModule(self, url: str) -> Awaitable[None]: ...

class AudioWorkletNode(AudioNode):
    port: MessagePort
    @staticmethod
    def new(context: AudioContext, name: str) -> AudioWorkletNode: ...

class GainNode(AudioNode):
    gain: AudioParam

class ConstantSourceNode(AudioNode):
    def start(self) -> None: ...

class AnalyserNode(AudioNode):
    fftSize: int
    def getFloatTimeDomainData(self, array: Float32Array) -> None: ...

class MediaStreamAudioDestinationNode(AudioNode):
    stream: MediaStream

class AudioContext(EventTarget):
    audioWorklet: AudioWorklet
    state: str
    sampleRate: int
    @staticmethod
    def new(**options: object) -> AudioContext: ...
    def createMediaStreamSource(self, stream: MediaStream) -> AudioNode: ...
    def createMediaStreamDestination(self) -> MediaStreamAudioDestinationNode: ...
    def createConstantSource(self) -> ConstantSourceNode: ...
    def createGain(self) -> GainNode: ...
    def createAnalyser(self) -> AnalyserNode: ...
    def resume(self) -> Awaitable[None]: ...
    def close(self) -> Awaitable[None]: ...

class MessageEvent(Event):
    data: Any

class MessagePort(EventTarget):
    def postMessage(self, message: Any, transfer: Any = ...) -> None: ...
    def start(self) -> None: ...
    def close(self) -> None: ...

class MessageChannel:
    port1: MessagePort
    port2: MessagePort
    @staticmethod
    def new() -> MessageChannel: ...

class Worker(EventTarget):
    @staticmethod
    def new(url: Any, **options: Any) -> Worker: ...
    def postMessage(self, message: Any, transfer: Any = ...) -> None: ...
    def terminate(self) -> None: ...

class ServiceWorker(EventTarget):
    state: str
    def postMessage(self, message: Any, transfer: Any = ...) -> None: ...

class ServiceWorkerRegistration:
    scope: str
    active: ServiceWorker | JsNull

class ServiceWorkerContainer(EventTarget):
    ready: Awaitable[ServiceWorkerRegistration]
    def register(self, url: Any) -> Awaitable[ServiceWorkerRegistration]: ...

class FileSystemHandle:
    kind: str
    name: str

class FileSystemFileHandle(FileSystemHandle):
    def getFile(self) -> Awaitable[File]: ...

class IteratorResult:
    done: bool
    value: Any

class AsyncIterator:
    def next(self) -> Awaitable[IteratorResult]: ...

class FileSystemDirectoryHandle(FileSystemHandle):
    def getDirectoryHandle(self, name: str, **options: object) -> Awaitable[FileSystemDirectoryHandle]: ...
    def getFileHandle(self, name: str, **options: object) -> Awaitable[FileSystemFileHandle]: ...
    def removeEntry(self, name: str, **options: object) -> Awaitable[None]: ...
    def keys(self) -> AsyncIterator: ...

class StorageEstimate:
    quota: int | None
    usage: int | None

class StorageManager:
    def getDirectory(self) -> Awaitable[FileSystemDirectoryHandle]: ...
    def estimate(self) -> Awaitable[StorageEstimate]: ...
    def persist(self) -> Awaitable[bool]: ...

class WakeLockSentinel(EventTarget):
    released: bool
    def release(self) -> Awaitable[None]: ...

class WakeLock:
    def request(self, type: str) -> Awaitable[WakeLockSentinel]: ...

class Storage:
    def getItem(self, key: str) -> str | JsNull: ...
    def setItem(self, key: str, value: str) -> None: ...

class Navigator:
    # Those a browser may leave out are asked for with `browser.interop.member`.
    mediaDevices: MediaDevices
    serviceWorker: ServiceWorkerContainer
    storage: StorageManager
    wakeLock: WakeLock
    mediaCapabilities: Any
    locks: Any
    userAgent: str

class CSSStyleDeclaration:
    def setProperty(self, name: str, value: str) -> None: ...

class DOMStringMap:
    def __setattr__(self, name: str, value: str) -> None: ...
    def __getattr__(self, name: str) -> str | None: ...

class Element(EventTarget):
    id: str
    hidden: bool
    disabled: bool
    textContent: str
    value: str
    files: Sequence[File] | JsNull
    src: str
    srcObject: object
    href: str
    download: str
    title: str
    dataset: DOMStringMap
    open: bool
    content: Element
    firstElementChild: Element
    children: Sequence[Element]
    parentElement: Element | JsNull
    def querySelector(self, selector: str) -> Any: ...
    def querySelectorAll(self, selector: str) -> Sequence[Element]: ...
    def setAttribute(self, name: str, value: str) -> None: ...
    def removeAttribute(self, name: str) -> None: ...
    def append(self, *children: Element) -> None: ...
    def prepend(self, *children: Element) -> None: ...
    def replaceChildren(self, *children: Element) -> None: ...
    def remove(self) -> None: ...
    def cloneNode(self, deep: bool) -> Element: ...
    def click(self) -> None: ...
    def focus(self) -> None: ...
    def select(self) -> None: ...
    def showModal(self) -> None: ...
    def close(self) -> None: ...
    def pause(self) -> None: ...
    def play(self) -> Awaitable[None]: ...
    def load(self) -> None: ...

class Document(EventTarget):
    documentElement: Element
    body: Element
    title: str
    hidden: bool
    visibilityState: str
    activeElement: Any
    baseURI: str
    def querySelector(self, selector: str) -> Any: ...
    def createElement(self, name: str) -> Element: ...

class Performance:
    timeOrigin: float
    def now(self) -> float: ...
    def mark(self, name: str) -> None: ...

class Location:
    href: str
    search: str
    hash: str
    origin: str
    pathname: str
    def reload(self) -> None: ...

class URL:
    href: str
    @staticmethod
    def new(url: str, base: str) -> URL: ...
    @staticmethod
    def createObjectURL(blob: Blob) -> str: ...
    @staticmethod
    def revokeObjectURL(url: str) -> None: ...

class Console:
    def log(self, *values: object) -> None: ...
    def info(self, *values: object) -> None: ...
    def warn(self, *values: object) -> None: ...
    def error(self, *values: object) -> None: ...

class Date:
    @staticmethod
    def new() -> Date: ...
    def getTimezoneOffset(self) -> int: ...

class TrustedTypePolicy:
    def createScriptURL(self, url: str) -> Any: ...

class TrustedTypePolicyFactory:
    def createPolicy(self, name: str, rules: Any) -> TrustedTypePolicy: ...

class Crypto:
    def randomUUID(self) -> str: ...

class Object:
    @staticmethod
    def new() -> Any: ...

class Window(EventTarget):
    isSecureContext: bool
    trustedTypes: TrustedTypePolicyFactory
    rolltapeEarly: Any

navigator: Navigator
document: Document
performance: Performance
sessionStorage: Storage
location: Location
console: Console
crypto: Crypto
window: Window

def reportError(error: object) -> None: ...
def encodeURIComponent(text: str) -> str: ...
