// Reads a QR code with the camera where the browser can; the field beside it works everywhere.
(function () {
  "use strict";
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices) return;
  var button = document.getElementById("camera"), video = document.getElementById("picture");
  var form = document.getElementById("scan"), field = document.getElementById("code");
  button.hidden = false;
  button.addEventListener("click", function () {
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }).then(function (stream) {
      var detector = new window.BarcodeDetector({ formats: ["qr_code"] });
      video.srcObject = stream;
      video.hidden = false;
      video.play();
      (function look() {
        detector.detect(video).then(function (codes) {
          if (!codes.length) { window.setTimeout(look, 200); return; }
          stream.getTracks().forEach(function (track) { track.stop(); });
          field.value = codes[0].rawValue;
          form.submit();
        }, function () { window.setTimeout(look, 500); });
      })();
    }, function () { button.hidden = true; });
  });
})();
