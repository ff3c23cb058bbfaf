// Echoes texts and one binary message through gorilla/websocket and prints what happened as one JSON object.
package main

import (
	"bytes"
	"encoding/json"
	"log"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

type result struct {
	Echoed      int    `json:"echoed"`
	Extensions  string `json:"extensions"`
	Subprotocol string `json:"subprotocol"`
	CloseCode   int    `json:"closeCode"`
}

func main() {
	log.SetFlags(0)
	dialer := websocket.Dialer{EnableCompression: true, HandshakeTimeout: 10 * time.Second}
	connection, response, err := dialer.Dial(os.Args[1], nil)
	if err != nil {
		log.Fatalf("no connection: %v", err)
	}
	defer connection.Close()
	deadline := time.Now().Add(30 * time.Second)
	connection.SetReadDeadline(deadline)
	connection.SetWriteDeadline(deadline)
	outcome := result{
		Extensions:  response.Header.Get("Sec-WebSocket-Extensions"),
		Subprotocol: connection.Subprotocol(),
	}

	echo := func(kind int, sent []byte) {
		if err := connection.WriteMessage(kind, sent); err != nil {
			log.Fatalf("message %d was not sent: %v", outcome.Echoed, err)
		}
		receivedKind, received, err := connection.ReadMessage()
		if err != nil {
			log.Fatalf("message %d did not come back: %v", outcome.Echoed, err)
		}
		if receivedKind != kind || !bytes.Equal(received, sent) {
			log.Fatalf("message %d came back changed", outcome.Echoed)
		}
		outcome.Echoed++
	}
	for _, text := range os.Args[2:] {
		echo(websocket.TextMessage, []byte(text))
	}
	binary := make([]byte, 70000)
	for index := range binary {
		binary[index] = byte(index*index + index>>7)
	}
	echo(websocket.BinaryMessage, binary)

	farewell := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "done")
	if err := connection.WriteControl(websocket.CloseMessage, farewell, deadline); err != nil {
		log.Fatalf("the close frame was not sent: %v", err)
	}
	_, _, err = connection.ReadMessage()
	closing, clean := err.(*websocket.CloseError)
	if !clean {
		log.Fatalf("no close frame came back: %v", err)
	}
	outcome.CloseCode = closing.Code
	if err := json.NewEncoder(os.Stdout).Encode(outcome); err != nil {
		log.Fatal(err)
	}
}
